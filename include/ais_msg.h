/* AIS A.01.01: for programs that include ais_msg.h by name. */

#ifndef AIS_MSG_H_DEFINED
#define AIS_MSG_H_DEFINED

#include <netinet/in.h>
#include "ais_types.h"

#endif /* AIS_MSG_H_DEFINED */

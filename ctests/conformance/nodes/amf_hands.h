/*
 * Hands that play components: they answer what their components are asked
 * while they wait for the next order, too.
 */
#ifndef CONFORMANCE_AMF_HANDS_H
#define CONFORMANCE_AMF_HANDS_H

#include "hands.h"

#include "../track.h"

static pthread_t server;
static int is_serving;
static int is_to_stop;

static inline void *serve(void *unused)
{
	while (!__atomic_load_n(&is_to_stop, __ATOMIC_ACQUIRE))
		pump();
	return unused;
}

/** Begins an order: the components are this thread's own. */
static inline void wake(void)
{
	if (!is_serving)
		return;
	__atomic_store_n(&is_to_stop, 1, __ATOMIC_RELEASE);
	pthread_join(server, NULL);
	is_serving = is_to_stop = 0;
}

/** Ends an order: the components are served until the next one. */
static inline void rest(void)
{
	is_serving = CHECK_NUM(pthread_create(&server, NULL, serve, NULL), 0);
}

/* What another node is to see, sooner or later. */
#define SEEN(condition) CHECK(WAIT_FOR(condition, nap(1)))

#endif

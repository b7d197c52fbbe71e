/*
 * Sections whose ids and contents are texts: the calls on one section, short
 * enough that a test reads as a story.
 */
#ifndef CTESTS_TEXT_SECTION_H
#define CTESTS_TEXT_SECTION_H

#include "common.h"
#include "ais_ckpt.h"

/* As a counted id; the text lives as long as the program. */
static inline SaCkptSectionIdT id_of(const char *text)
{
	SaCkptSectionIdT id = { (SaUint8T *)text, strlen(text) };

	return id;
}

static inline SaErrorT create(const SaCkptCheckpointHandleT *handle, const char *id,
		       SaTimeT expiration, const char *data)
{
	SaCkptSectionIdT section = id_of(id);
	SaCkptSectionCreationAttributesT section_attributes = { &section,
								expiration };

	return saCkptSectionCreate(handle, &section_attributes, data,
				   strlen(data));
}

static inline SaErrorT overwrite(const SaCkptCheckpointHandleT *handle, const char *id,
			  const char *data)
{
	SaCkptSectionIdT section = id_of(id);

	return saCkptSectionOverwrite(handle, &section, (SaUint8T *)data,
				      (SaSizeT)strlen(data));
}

static inline SaErrorT delete(const SaCkptCheckpointHandleT *handle, const char *id)
{
	SaCkptSectionIdT section = id_of(id);

	return saCkptSectionDelete(handle, &section);
}

static inline SaErrorT set_expiration(const SaCkptCheckpointHandleT *handle,
			       const char *id, SaTimeT expiration)
{
	SaCkptSectionIdT section = id_of(id);

	return saCkptSectionExpirationTimeSet(handle, &section, expiration);
}

static inline SaErrorT read_section(const SaCkptCheckpointHandleT *handle, const char *id)
{
	char data[64];
	SaCkptIOVectorElementT element = { id_of(id), data, sizeof(data), 0, 0 };

	return saCkptCheckpointRead(handle, &element, 1, NULL);
}

/* Section `id` contains exactly `text`. */
static inline void expect_text(const SaCkptCheckpointHandleT *handle, const char *id,
			const char *text)
{
	char data[64];
	SaCkptIOVectorElementT element = { id_of(id), data, sizeof(data), 0, 0 };

	if (!expect_quietly("read", saCkptCheckpointRead(handle, &element, 1, NULL),
			    SA_OK))
		return;
	check((size_t)element.readSize == strlen(text) &&
		      memcmp(data, text, strlen(text)) == 0,
	      "section '%s': expected '%s', got %d bytes '%.*s'", id, text,
	      (int)element.readSize,
	      element.readSize < 0 ? 0 : (int)element.readSize, data);
}

#endif

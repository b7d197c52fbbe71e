/* saCkptSectionIteratorFinalize. */
#include "ckpt.h"

int main(void)
{
	SaNameT name = unique_name("iterator");
	SaCkptCheckpointHandleT handle;
	SaCkptSectionIteratorT first, second, copy;
	SaCkptSectionDescriptorT descriptor;
	int i;

	CHECK_EQ(saCkptSectionIteratorFinalize(NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++) {
		copy = bad_handles[i];
		CHECK_EQ(saCkptSectionIteratorFinalize(&copy), SA_ERR_BAD_HANDLE);
	}

	handle = open_checkpoint(&name, &all_replicas, READ | WRITE);
	CHECK_EQ(create_section(&handle, "section", ""), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &first), SA_OK);
	NEED_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &second), SA_OK);
	CHECK_EQ(saCkptSectionIteratorNext(&first, &descriptor), SA_OK);

	/* In the middle of a walk; by a copy of the value; only once. */
	copy = first;
	CHECK_EQ(saCkptSectionIteratorFinalize(&copy), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&first), SA_ERR_BAD_HANDLE);
	PAINT(descriptor);
	CHECK_EQ(saCkptSectionIteratorNext(&first, &descriptor), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(descriptor);
	CHECK_EQ(saCkptSectionIteratorNext(&second, &descriptor), SA_OK);
	CHECK_EQ(saCkptSectionIteratorFinalize(&second), SA_OK);

	/* Hundreds one after the other, and hundreds at once. */
	for (i = 0; i < 300; i++) {
		NEED_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &first), SA_OK);
		CHECK_EQ(saCkptSectionIteratorFinalize(&first), SA_OK);
	}
	{
		static SaCkptSectionIteratorT many[300];

		for (i = 0; i < 300; i++)
			NEED_EQ(saCkptSectionIteratorInitialize(&handle, SA_CKPT_SECTIONS_ANY, 0, &many[i]), SA_OK);
		for (i = 0; i < 300; i++)
			CHECK_EQ(saCkptSectionIteratorNext(&many[i], &descriptor), SA_OK);
		for (i = 0; i < 300; i++)
			CHECK_EQ(saCkptSectionIteratorFinalize(&many[i]), SA_OK);
	}
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
	return done();
}

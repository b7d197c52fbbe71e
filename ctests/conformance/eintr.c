/* Signals that interrupt system calls every few milliseconds: no call fails, and
   none is cut short. */
#include "service.h"
#include "ckpt.h"

#define ROUNDS 100

static void check_checkpoints(void)
{
	static char data[100000];
	SaNameT name = unique_name("eintr");
	SaCkptCheckpointHandleT handle;
	SaCkptIOVectorElementT vector;
	SaClmClusterNodeT node;
	int i;

	handle = open_checkpoint(&name, &active_replica, READ | WRITE);
	CHECK_EQ(create_section(&handle, "section", ""), SA_OK);
	for (i = 0; i < ROUNDS; i++) {
		memset(data, i + 1, sizeof(data));
		vector = element(section("section"), data, sizeof(data), 0);
		CHECK_EQ(saCkptCheckpointWrite(&handle, &vector, 1, NULL), SA_OK);
		memset(data, 0, sizeof(data));
		CHECK_EQ(saCkptCheckpointRead(&handle, &vector, 1, NULL), SA_OK);
		CHECK_NUM(vector.readSize, sizeof(data));
		CHECK(all_bytes(data, sizeof(data), (unsigned char)(i + 1)));
		CHECK_EQ(saCkptCheckpointSynchronize(&handle, 0), SA_OK);
		CHECK_EQ(probe_checkpoint(&name), SA_OK);
		CHECK_EQ(saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node), SA_OK);
	}
	CHECK_EQ(saCkptCheckpointClose(&handle), SA_OK);
}

static void check_handles(const struct service *service)
{
	SaSelectionObjectT fd;
	int handle;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		int before = callbacks_so_far();

		fd = open_service(service, &handle);
		CHECK_EQ(service->ask(&handle, 0), SA_OK);
		CHECK(WAIT_FOR(callbacks_so_far() == before + 1, DISPATCH_STEP(service->dispatch, &handle, fd)));
		CHECK_EQ(service->finalize(&handle), SA_OK);
	}
}

static int blocking_handle;
static const struct service *blocking_service;

static void finalize_after_some(void)
{
	static int left = 20;

	if (--left > 0)
		CHECK_EQ(blocking_service->ask(&blocking_handle, 0), SA_OK);
	else
		CHECK_EQ(blocking_service->finalize(&blocking_handle), SA_OK);
}

/* A blocking dispatch on the very thread that is interrupted, ended by the last
   of its callbacks. */
static void check_blocking(const struct service *service)
{
	int before = callbacks_so_far();

	open_service(service, &blocking_handle);
	blocking_service = service;
	in_callback = finalize_after_some;
	CHECK_EQ(service->ask(&blocking_handle, 0), SA_OK);
	CHECK_EQ(service->dispatch(&blocking_handle, SA_DISPATCH_BLOCKING), SA_OK);
	in_callback = NULL;
	CHECK_NUM(callbacks_so_far(), before + 20);
}

int main(void)
{
	interrupt_every(3);
	check_checkpoints();
	check_handles(&clm_service);
	check_handles(&ckpt_service);
	check_handles(&amf_service);
	check_blocking(&clm_service);
	interrupt_every(0);
	return done();
}

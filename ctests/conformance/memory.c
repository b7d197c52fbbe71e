/* A program without memory: whichever allocation is the first to fail, no call
   ends the program, SA_ERR_NO_MEMORY says why, what it had it still has, and
   all goes on when there is memory again. */
#include "service.h"
#include "ckpt.h"
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define LARGE (8 << 20)
#define ELEMENTS 1000
#define FEW 40

/* --- allocations that fail: those of the thread `poor`, after some --- */

static pthread_t poor;
static volatile int is_poor;
static volatile long left;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_FAIL 1
static int fails(void)
{
	return is_poor && pthread_equal(pthread_self(), poor) && --left < 0;
}

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);

/* Those of the C library, or of what runs this program in its place. */
__attribute__((constructor)) static void find_next(void)
{
	*(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
	*(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	*(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
}

void *malloc(size_t size)
{
	if (!next_malloc)
		find_next();
	return fails() ? (errno = ENOMEM, NULL) : next_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (!next_calloc)
		find_next();
	return fails() ? (errno = ENOMEM, NULL) : next_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	if (!next_realloc)
		find_next();
	return fails() ? (errno = ENOMEM, NULL) : next_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	if (!next_aligned_alloc)
		find_next();
	return fails() ? (errno = ENOMEM, NULL) : next_aligned_alloc(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	*memory = aligned_alloc(alignment, size);
	return *memory ? 0 : ENOMEM;
}
#else
#define CAN_FAIL 0
#endif

static void be_poor(long after)
{
	poor = pthread_self();
	left = after;
	is_poor = 1;
}

static void be_rich(void)
{
	is_poor = 0;
}

/* --- the calls --- */

static SaNameT name;
static SaCkptCheckpointHandleT checkpoint;
static const struct service *const services[] = { &clm_service, &ckpt_service, &amf_service };
static int handles[3];
static SaSelectionObjectT fds[3];
static SaCkptIOVectorElementT vector[ELEMENTS];
static char *large;

static SaErrorT initialize(int which)
{
	int handle;
	SaErrorT error = services[which]->initialize(&handle, CALLBACKS_ALL, &version_a11);

	if (error == SA_OK)
		CHECK_EQ(services[which]->finalize(&handle), SA_OK);
	return error;
}

static SaErrorT open_and_close(void)
{
	SaCkptCheckpointHandleT other;
	SaErrorT error = saCkptCheckpointOpen(&name, &all_replicas, READ, 0, &other);
	SaErrorT closed;

	if (error != SA_OK)
		return error;
	closed = saCkptCheckpointClose(&other);
	CHECK(closed == SA_OK || closed == SA_ERR_NO_MEMORY);
	if (closed != SA_OK) {
		/* It is still open. */
		be_rich();
		CHECK_EQ(saCkptCheckpointClose(&other), SA_OK);
	}
	return closed;
}

static SaErrorT iterate(void)
{
	SaCkptSectionIteratorT iterator;
	SaCkptSectionDescriptorT descriptor;
	SaErrorT error = saCkptSectionIteratorInitialize(&checkpoint, SA_CKPT_SECTIONS_ANY, 0, &iterator);

	if (error != SA_OK)
		return error;
	PAINT(descriptor);
	error = saCkptSectionIteratorNext(&iterator, &descriptor);
	if (error != SA_OK)
		CHECK_UNTOUCHED(descriptor);
	CHECK_EQ(saCkptSectionIteratorFinalize(&iterator), SA_OK);
	return error;
}

static SaErrorT generate(void)
{
	SaCkptSectionIdT id = { NULL, 0 };
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };
	SaErrorT error = saCkptSectionCreate(&checkpoint, &attributes, "", 0);

	if (error == SA_OK)
		CHECK(saCkptSectionDelete(&checkpoint, &id) != SA_ERR_NOT_EXIST);
	else
		CHECK(id.id == NULL && id.idLen == 0);
	return error;
}

static void fill_vector(SaSizeT size)
{
	int i;

	for (i = 0; i < ELEMENTS; i++)
		vector[i] = element(default_section, large, size, 0);
}

static SaErrorT read_many(void)
{
	SaUint32T index = 77;
	SaErrorT error;

	fill_vector(1);
	error = saCkptCheckpointRead(&checkpoint, vector, ELEMENTS, &index);
	if (error != SA_OK)
		CHECK(vector[0].readSize == 0x5a5a5a5a && index == 77);
	return error;
}

static SaErrorT write_many(void)
{
	fill_vector(1);
	return saCkptCheckpointWrite(&checkpoint, vector, ELEMENTS, NULL);
}

static SaErrorT read_large(void)
{
	SaErrorT error;

	vector[0] = element(section("large"), NULL, LARGE, 0);
	error = saCkptCheckpointRead(&checkpoint, vector, 1, NULL);
	if (error == SA_OK) {
		CHECK_NUM(vector[0].readSize, LARGE);
		free(vector[0].dataBuffer);
	} else {
		CHECK(vector[0].dataBuffer == NULL && vector[0].readSize == 0x5a5a5a5a);
	}
	return error;
}

static SaErrorT overwrite(void)
{
	SaCkptSectionIdT id = section("small");

	return saCkptSectionOverwrite(&checkpoint, &id, (SaUint8T *)"abc", 3);
}

static SaErrorT look_up(void)
{
	SaClmClusterNodeT node;
	SaErrorT error;

	PAINT(node);
	error = saClmClusterNodeGet(SA_CLM_LOCAL_NODE_ID, 0, &node);
	if (error != SA_OK)
		CHECK_UNTOUCHED(node);
	return error;
}

static SaErrorT report(void)
{
	static SaAmfErrorBufferT buffer = { (void *)vector, 60000 };
	SaAmfAdditionalDataT data = { &buffer, &buffer, &buffer };
	SaAmfErrorDescriptorT descriptor = {
		SA_AMF_PROCESSING_ERROR_ALARM_TYPE, SA_AMF_SOFTWARE_ERROR, SA_AMF_MAJOR, SA_AMF_NO_RECOMMENDATION,
	};
	SaNameT nobody = name_of("nobody");
	SaErrorT error = saAmfErrorReport(&nobody, &nobody, 0, &descriptor, &data);

	return error == SA_ERR_NO_MEMORY ? error : SA_OK;
}

/* The callback that was asked for comes, if only when there is memory again. */
static SaErrorT ask_and_dispatch(int which)
{
	int before = callbacks_so_far();
	SaErrorT error = services[which]->ask(&handles[which], 0);

	if (error != SA_OK)
		return error;
	CHECK_READABLE(fds[which]);
	error = services[which]->dispatch(&handles[which], SA_DISPATCH_ALL);
	if (error != SA_OK) {
		CHECK_NUM(callbacks_so_far(), before);
		be_rich();
		CHECK_EQ(services[which]->dispatch(&handles[which], SA_DISPATCH_ALL), SA_OK);
	}
	CHECK_NUM(callbacks_so_far(), before + 1);
	return error;
}

static SaErrorT initialize_clm(void) { return initialize(0); }
static SaErrorT initialize_ckpt(void) { return initialize(1); }
static SaErrorT initialize_amf(void) { return initialize(2); }
static SaErrorT dispatch_clm(void) { return ask_and_dispatch(0); }
static SaErrorT dispatch_amf(void) { return ask_and_dispatch(2); }

static SaErrorT (*const calls[])(void) = {
	initialize_clm, initialize_ckpt, initialize_amf, dispatch_clm, dispatch_amf, open_and_close, iterate, generate,
	read_many, write_many, read_large, overwrite, look_up, report,
};
#define CALLS ((int)(sizeof(calls) / sizeof(calls[0])))

/* How many calls were refused for want of memory. */
static int refused;

static void check_call(int which, SaErrorT error)
{
	refused += error == SA_ERR_NO_MEMORY;
	if (!CHECK(error == SA_OK || error == SA_ERR_NO_MEMORY))
		fprintf(stderr, "call %d: %s\n", which, error_name(error));
}

static void open_all(void)
{
	int i;

	for (i = 0; i < 3; i++)
		fds[i] = open_service(services[i], &handles[i]);
	checkpoint = open_checkpoint(&name, &all_replicas, READ | WRITE);
}

static void check_serves(void)
{
	int i;

	for (i = 0; i < CALLS; i++)
		if (!CHECK_EQ(calls[i](), SA_OK))
			fprintf(stderr, "call %d\n", i);
}

/* Each call when the first, the second, ... allocation and all later ones fail;
   in a new thread too. */
static void each_allocation(void)
{
	int i, after;

	for (i = 0; i < CALLS; i++) {
		for (after = 0; after < FEW; after += under_valgrind() ? FEW / 4 : 1) {
			be_poor(after);
			check_call(i, calls[i]());
			check_call(i, calls[i]());
			be_rich();
		}
		if (!CHECK_EQ(calls[i](), SA_OK))
			fprintf(stderr, "call %d does not work again\n", i);
	}
}

static void *in_thread(void *unused)
{
	(void)unused;
	refused = 0;
	each_allocation();
	CHECK(refused > 0 || under_valgrind());
	return NULL;
}

/* The very first calls of a process. */
static void from_the_first(void)
{
	int failed = checks_failed;
	int i, after;

	for (i = 0; i < CALLS; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (after = 0; after < 2; after++) {
				be_poor(after * 5);
				if (i < 3)
					check_call(i, calls[i]());
				check_call(12, calls[12]());
				be_rich();
			}
			open_all();
			CHECK_EQ(calls[i](), SA_OK);
			child_done(failed);
		}
		CHECK_CHILD(child);
	}
}

/* As little address space is left as a program ever has. */
static void without_addresses(void)
{
	struct rlimit before, limit;
	long pages = 0;
	FILE *file;
	int i, kib;

	getrlimit(RLIMIT_AS, &before);
	refused = 0;
	for (kib = 0; kib <= 4096; kib = kib ? kib * 4 : 64) {
		file = fopen("/proc/self/statm", "r");
		CHECK(fscanf(file, "%ld", &pages) == 1);
		fclose(file);
		limit = before;
		limit.rlim_cur = pages * sysconf(_SC_PAGESIZE) + kib * 1024L;
		setrlimit(RLIMIT_AS, &limit);
		for (i = 0; i < CALLS; i++)
			check_call(i, calls[i]());
		setrlimit(RLIMIT_AS, &before);
		check_serves();
	}
	CHECK(refused > 0);
}

int main(void)
{
	SaCkptSectionIdT id = section("large");
	SaCkptSectionCreationAttributesT attributes = { &id, SA_TIME_END };
	pthread_t thread;
	int i;

	/* What is given back goes back to the system. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	name = unique_name("memory");
	large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	open_all();
	CHECK_EQ(saCkptSectionCreate(&checkpoint, &attributes, large, LARGE), SA_OK);
	CHECK_EQ(create_section(&checkpoint, "small", "text"), SA_OK);
	CHECK_EQ(write_section(&checkpoint, default_section, "x", 0), SA_OK);
	check_serves();
	/* Before there are threads, each of which has addresses in store. Valgrind
	   and the sanitizers need addresses of their own. */
	if (CAN_FAIL && !under_valgrind())
		without_addresses();
	if (CAN_FAIL) {
		each_allocation();
		pthread_create(&thread, NULL, in_thread, NULL);
		pthread_join(thread, NULL);
		from_the_first();
	}
	CHECK_EQ(saCkptCheckpointClose(&checkpoint), SA_OK);
	for (i = 0; i < 3; i++)
		CHECK_EQ(services[i]->finalize(&handles[i]), SA_OK);
	return done();
}

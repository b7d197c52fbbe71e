/*
 * The rules of Initialize, SelectionObjectGet and Finalize, the same for the
 * three services.
 */
#ifndef CONFORMANCE_SERVICE_CHECKS_H
#define CONFORMANCE_SERVICE_CHECKS_H

#include "service.h"

/* More than any table of a fixed small size holds. */
#define MANY_HANDLES 40

static inline void check_versions(const struct service *service)
{
	static const SaVersionT refused[] = {
		{ 'A', 1, 0 }, { 'A', 1, 2 }, { 'A', 0, 1 }, { 'A', 2, 1 }, { 'A', 0, 0 }, { 'a', 1, 0 },
		{ 'a', 2, 1 }, { 'B', 1, 1 }, { 'b', 1, 1 }, { '@', 1, 1 }, { 0, 0, 0 }, { 0, 1, 1 },
		{ 'A', 255, 255 },
	};
	SaVersionT lower = { 'a', 1, 1 };
	SaVersionT upper = { 'A', 1, 1 };
	size_t i;
	int handle;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		PAINT(handle);
		if (!CHECK_EQ(service->initialize(&handle, CALLBACKS_ALL, &refused[i]), SA_ERR_VERSION))
			fprintf(stderr, "  with version {%d,%d,%d}\n", refused[i].releaseCode,
				refused[i].major, refused[i].minor);
		CHECK_UNTOUCHED(handle);
	}
	PAINT(handle);
	CHECK_EQ(service->initialize(&handle, CALLBACKS_ALL, NULL), SA_ERR_VERSION);
	CHECK_EQ(service->initialize(&handle, CALLBACKS_NULL, NULL), SA_ERR_VERSION);
	CHECK_UNTOUCHED(handle);

	if (CHECK_EQ(service->initialize(&handle, CALLBACKS_ALL, &lower), SA_OK))
		CHECK_EQ(service->finalize(&handle), SA_OK);
	if (CHECK_EQ(service->initialize(&handle, CALLBACKS_ALL, &upper), SA_OK))
		CHECK_EQ(service->finalize(&handle), SA_OK);
	/* The version is only read in this release of the interface. */
	CHECK(lower.releaseCode == 'a' && lower.major == 1 && lower.minor == 1);
	CHECK(upper.releaseCode == 'A' && upper.major == 1 && upper.minor == 1);
}

static inline void check_initialize(const struct service *service)
{
	SaVersionT wrong = { 'B', 1, 1 };
	int handles[MANY_HANDLES];
	int again;
	int i, j;

	CHECK_EQ(service->initialize(NULL, CALLBACKS_ALL, &version_a11), SA_ERR_INVALID_PARAM);
	CHECK_EQ(service->initialize(NULL, CALLBACKS_ALL, &wrong), SA_ERR_INVALID_PARAM);
	check_versions(service);

	CHECK_EQ(service->initialize(&handles[0], CALLBACKS_NULL, &version_a11), SA_OK);
	CHECK_EQ(service->dispatch(&handles[0], SA_DISPATCH_ALL), SA_OK);
	CHECK_EQ(service->ask(&handles[0], 0), SA_ERR_INIT);
	CHECK_EQ(service->finalize(&handles[0]), SA_OK);
	CHECK_EQ(service->initialize(&handles[0], CALLBACKS_MEMBERS_NULL, &version_a11), SA_OK);
	CHECK_EQ(service->ask(&handles[0], 0), SA_ERR_INIT);
	CHECK_EQ(service->finalize(&handles[0]), SA_OK);

	/* Every Initialize gives another handle, and each works on its own. */
	for (i = 0; i < MANY_HANDLES; i++) {
		NEED_EQ(service->initialize(&handles[i], CALLBACKS_ALL, &version_a11), SA_OK);
		CHECK(handles[i] != -1);
		for (j = 0; j < i; j++)
			if (handles[j] == handles[i])
				CHECK(!"the same handle was issued twice");
	}
	for (i = 0; i < MANY_HANDLES; i += 2)
		CHECK_EQ(service->finalize(&handles[i]), SA_OK);
	for (i = 0; i < MANY_HANDLES; i++)
		CHECK_EQ(service->dispatch(&handles[i], SA_DISPATCH_ALL), i % 2 ? SA_OK : SA_ERR_BAD_HANDLE);
	NEED_EQ(service->initialize(&again, CALLBACKS_ALL, &version_a11), SA_OK);
	for (i = 0; i < MANY_HANDLES; i++)
		CHECK(again != handles[i]);
	CHECK_EQ(service->finalize(&again), SA_OK);
	for (i = 1; i < MANY_HANDLES; i += 2)
		CHECK_EQ(service->finalize(&handles[i]), SA_OK);
}

static inline void check_selection_object_get(const struct service *service)
{
	SaSelectionObjectT fd = -1, same = -1, other = -1;
	int handle, second;
	int i;

	NEED_EQ(service->initialize(&handle, CALLBACKS_ALL, &version_a11), SA_OK);
	NEED_EQ(service->initialize(&second, CALLBACKS_ALL, &version_a11), SA_OK);

	CHECK_EQ(service->selection_object_get(&handle, NULL), SA_ERR_INVALID_PARAM);
	CHECK_EQ(service->selection_object_get(NULL, &fd), SA_ERR_INVALID_PARAM);
	CHECK_EQ(service->selection_object_get(NULL, NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++) {
		PAINT(fd);
		CHECK_EQ(service->selection_object_get(&bad_handles[i], &fd), SA_ERR_BAD_HANDLE);
		CHECK_UNTOUCHED(fd);
		/* Pointers are looked at before the handle. */
		CHECK_EQ(service->selection_object_get(&bad_handles[i], NULL), SA_ERR_INVALID_PARAM);
	}

	CHECK_EQ(service->selection_object_get(&handle, &fd), SA_OK);
	CHECK_EQ(service->selection_object_get(&handle, &same), SA_OK);
	CHECK_EQ(service->selection_object_get(&second, &other), SA_OK);
	CHECK(fd >= 0);
	CHECK_NUM(same, fd);
	CHECK(other != fd);

	/* Readable as long as, and only while, a callback is pending: here, and
	   not on the other handle. */
	CHECK_QUIET(fd);
	ask_and_wait(service, &handle, fd, 0);
	CHECK_READABLE(fd);
	CHECK_QUIET(other);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_OK);
	CHECK_NUM(callbacks_so_far(), 1);
	CHECK_QUIET(fd);
	ask_and_wait(service, &handle, fd, 1);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ONE), SA_OK);
	CHECK_NUM(callbacks_so_far(), 2);
	CHECK_QUIET(fd);

	CHECK_EQ(service->finalize(&handle), SA_OK);
	PAINT(fd);
	CHECK_EQ(service->selection_object_get(&handle, &fd), SA_ERR_BAD_HANDLE);
	CHECK_UNTOUCHED(fd);
	CHECK_EQ(service->selection_object_get(&second, &same), SA_OK);
	CHECK_NUM(same, other);
	CHECK_EQ(service->finalize(&second), SA_OK);
}

static int finalized_inside;
static const struct service *service_inside;

static inline void finalize_inside(void)
{
	CHECK_EQ(service_inside->finalize(&finalized_inside), SA_OK);
	CHECK_EQ(service_inside->finalize(&finalized_inside), SA_ERR_BAD_HANDLE);
}

/* Two threads finalise one handle: one of them does it. */
struct finalize_race {
	const struct service *service;
	int handle;
	int finalized;
	int bad;
};

static inline void *finalize_in_thread(void *argument)
{
	struct finalize_race *race = argument;
	SaErrorT error = race->service->finalize(&race->handle);

	if (error == SA_OK)
		__atomic_fetch_add(&race->finalized, 1, __ATOMIC_RELAXED);
	else if (CHECK_EQ(error, SA_ERR_BAD_HANDLE))
		__atomic_fetch_add(&race->bad, 1, __ATOMIC_RELAXED);
	return NULL;
}

static inline void check_finalize(const struct service *service)
{
	struct finalize_race race = { .service = service };
	pthread_t threads[4];
	SaSelectionObjectT fd;
	int handle, second, copy;
	int i, round;

	CHECK_EQ(service->finalize(NULL), SA_ERR_INVALID_PARAM);
	for (i = 0; i < BAD_HANDLES; i++) {
		copy = bad_handles[i];
		CHECK_EQ(service->finalize(&copy), SA_ERR_BAD_HANDLE);
	}

	fd = open_service(service, &handle);
	NEED_EQ(service->initialize(&second, CALLBACKS_ALL, &version_a11), SA_OK);
	/* A handle is its value; a copy of it will do. */
	copy = handle;
	CHECK_EQ(service->finalize(&copy), SA_OK);
	CHECK_EQ(service->finalize(&handle), SA_ERR_BAD_HANDLE);
	CHECK_EQ(service->selection_object_get(&handle, &fd), SA_ERR_BAD_HANDLE);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);
	CHECK_EQ(service->ask(&handle, 0), SA_ERR_BAD_HANDLE);
	CHECK_EQ(service->dispatch(&second, SA_DISPATCH_ALL), SA_OK);
	CHECK_EQ(service->finalize(&second), SA_OK);

	/* With callbacks pending: they are dropped. */
	fd = open_service(service, &handle);
	ask_and_wait(service, &handle, fd, 0);
	CHECK_EQ(service->ask(&handle, 1), SA_OK);
	CHECK_EQ(service->finalize(&handle), SA_OK);
	CHECK_EQ(service->dispatch(&handle, SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);
	CHECK_NUM(callbacks_so_far(), 0);

	/* Inside a callback, with another one pending. */
	fd = open_service(service, &finalized_inside);
	service_inside = service;
	in_callback = finalize_inside;
	CHECK_EQ(service->ask(&finalized_inside, 0), SA_OK);
	CHECK_EQ(service->ask(&finalized_inside, 1), SA_OK);
	CHECK_READABLE(fd);
	CHECK_EQ(service->dispatch(&finalized_inside, SA_DISPATCH_ALL), SA_OK);
	in_callback = NULL;
	CHECK_NUM(callbacks_so_far(), 1);
	CHECK_EQ(service->dispatch(&finalized_inside, SA_DISPATCH_ALL), SA_ERR_BAD_HANDLE);

	for (round = 0; round < 10; round++) {
		NEED_EQ(service->initialize(&race.handle, CALLBACKS_ALL, &version_a11), SA_OK);
		race.finalized = race.bad = 0;
		for (i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, finalize_in_thread, &race);
		for (i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		CHECK_NUM(race.finalized, 1);
		CHECK_NUM(race.bad, 3);
	}
}

#endif

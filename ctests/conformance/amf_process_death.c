/* A process with an active unit ends, or stops answering: the standby of another
   process takes over. */
#include "amf.h"

enum end {
	END_KILL,
	END_KILL_WITH_CHILD,
	END_EXIT,
	END_STOP
};

/* The life of the other process: unit raidA, until it is ended. */
static void other_process(enum end end, int orders, int keep)
{
	struct pollfd order = { .fd = orders, .events = POLLIN };
	char byte;

	start_unit(AX);
	if (end == END_KILL_WITH_CHILD && fork() == 0) {
		/* Holds what it inherited until the program has seen enough. */
		while (read(keep, &byte, 1) < 0)
			;
		_exit(0);
	}
	while (poll(&order, 1, 0) == 0)
		pump();
	/* Without Finalize. */
	_exit(0);
}

static void check_end(enum end end)
{
	int orders[2], keep[2];
	pid_t child;
	int i;

	if (!CHECK(pipe(orders) == 0) || !CHECK(pipe(keep) == 0))
		exit(done());
	fflush(NULL);
	child = fork();
	if (child == 0) {
		close(orders[1]);
		close(keep[1]);
		other_process(end, orders[0], keep[0]);
	}
	close(orders[0]);
	close(keep[0]);
	AWAIT(ha_state_of(AX) == SA_AMF_ACTIVE && ha_state_of(BX) == SA_AMF_ACTIVE);
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);

	if (end == END_EXIT)
		close(orders[1]);
	else
		kill(child, end == END_STOP ? SIGSTOP : SIGKILL);
	await_unit(AY, SA_AMF_ACTIVE);
	for (i = AY; i <= BY; i++) {
		CHECK_NUM(components[i].transition, SA_AMF_CSI_NOT_QUIESCED);
		CHECK(same_name(&components[i].active_name, components[i - AY + AX].name));
	}
	/* One that is gone is unregistered, both of its components; one that
	   only hangs is not. */
	CHECK_EQ(probe_component(AX), end == END_STOP ? SA_OK : SA_ERR_NOT_EXIST);
	CHECK_EQ(probe_component(BX), end == END_STOP ? SA_OK : SA_ERR_NOT_EXIST);

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (end != END_EXIT)
		close(orders[1]);
	close(keep[1]);
	leave_clean();
}

int main(void)
{
	await_unregistered();
	check_end(END_KILL);
	check_end(END_KILL_WITH_CHILD);
	check_end(END_EXIT);
	check_end(END_STOP);
	return done();
}

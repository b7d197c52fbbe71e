/*
 * The daemon of a node is stopped: its components let go of their work before
 * others take it over, and before the node leaves.
 */
#include "amf_hands.h"

static void play_a(void)
{
	start_unit(AX);
	await_unit(AX, SA_AMF_ACTIVE);
	rest();
}

static void play_b(void)
{
	start_unit(AY);
	await_unit(AY, SA_AMF_STANDBY);
	rest();
}

static int is_out(int index)
{
	return in_readiness(index, SA_AMF_OUT_OF_SERVICE);
}

/* The daemon goes with the last answer, so who has given his asks no more. */
static void let_go(void)
{
	int i, is_there = 1;

	while (is_there && !(is_out(AX) && is_out(BX))) {
		for (i = AX; is_there && i <= BX; i++)
			if (!is_out(i))
				is_there = CHECK_EQ(saAmfDispatch(&components[i].handle, SA_DISPATCH_ALL), SA_OK);
		nap(1);
	}
	CHECK_NUM(components[AX].ha_state, SA_AMF_QUIESCED);
	CHECK_NUM(components[BX].ha_state, SA_AMF_QUIESCED);
}

static void took_over(void)
{
	wake();
	await_unit(AY, SA_AMF_ACTIVE);
	CHECK(same_name(&components[AY].active_name, "comp_a_in_su_x"));
	CHECK_NUM(components[AY].transition, SA_AMF_CSI_QUIESCED);
	CHECK(same_name(&components[BY].active_name, "comp_b_in_su_x"));
	CHECK_NUM(components[BY].transition, SA_AMF_CSI_QUIESCED);
	rest();
}

static void see_it_gone(void)
{
	SEEN(count_members() == 2);
	CHECK_EQ(probe_component(AX), SA_ERR_NOT_EXIST);
	CHECK_NUM(ha_state_of(AY), SA_AMF_ACTIVE);
}

static void end_b(void)
{
	wake();
	leave_clean();
}

int main(int argc, char **argv)
{
	start_hands(argc, argv);
	ON(1, play_a);
	ON(2, play_b);
	ON(1, wake);
	BEGIN(1, let_go);
	stop_node(1);
	END(1);
	ON(2, took_over);
	ON(3, see_it_gone);
	ON(2, end_b);
	return end_hands(__BASE_FILE__);
}

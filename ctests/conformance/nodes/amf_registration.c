/*
 * Who may register, unregister and speak for whom, when others have done so
 * on another node.
 */
#include "amf_hands.h"

static void register_first(void)
{
	open_component(AX);
	register_component(AX);
	rest();
}

/* Node 3 has a handle of its own, and nothing registered on it. */
static void register_in_vain(void)
{
	SaNameT found;

	open_component(AX);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AX), NULL), SA_ERR_EXIST);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_ERR_BAD_HANDLE);
	PAINT(found);
	CHECK_EQ(saAmfCompNameGet(&components[AX].handle, &found), SA_ERR_NOT_EXIST);
	CHECK_UNTOUCHED(found);
	/* A program speaks for what runs on its own node. */
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AZ), comp(AX)), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AZ), comp(BZ)), SA_ERR_NOT_EXIST);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AZ), NULL), SA_ERR_NOT_EXIST);
}

static void speak_for_another(void)
{
	wake();
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AZ), comp(AX)), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_ERR_BAD_OPERATION);
	rest();
}

static void see_both(void)
{
	CHECK_EQ(probe_component(AX), SA_OK);
	CHECK_EQ(probe_component(AZ), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AZ), NULL), SA_ERR_EXIST);
}

static void speak_no_more(void)
{
	wake();
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AZ), NULL), SA_ERR_BAD_OPERATION);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AZ), comp(AX)), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfComponentUnregister(&components[AX].handle, comp(AX), NULL), SA_ERR_NOT_EXIST);
	close_component(AX);
}

/* What was given back on node 1 is free on node 3 at once. */
static void register_elsewhere(void)
{
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AX), NULL), SA_OK);
	CHECK_EQ(saAmfComponentRegister(&components[AX].handle, comp(AZ), comp(AX)), SA_OK);
}

/* A proxy that is killed takes along what it spoke for. */
static void see_nobody(void)
{
	await_unregistered();
}

int main(int argc, char **argv)
{
	start_hands(argc, argv);
	ON(1, register_first);
	ON(3, register_in_vain);
	ON(1, speak_for_another);
	ON(3, see_both);
	ON(1, speak_no_more);
	ON(3, register_elsewhere);
	kill_hand(3);
	ON(2, see_nobody);
	return end_hands(__BASE_FILE__);
}

/* A question that is never answered: after callback-timeout (5 s) the component
   counts as failed, and not before 2 s, since the programs of 2004 leave
   callbacks waiting for one. */
#include "amf.h"

int main(void)
{
	long long start;

	await_unregistered();
	open_component(AX);
	components[AX].csi_answer = ANSWER_NONE;
	register_component(AX);
	open_component(BX);
	start = mono_ms();
	register_component(BX);
	await_unit(AX, SA_AMF_ACTIVE);
	AWAIT(in_ha_state(BX, SA_AMF_QUIESCED));
	CHECK(mono_ms() - start >= 2000);
	AWAIT(in_readiness(BX, SA_AMF_OUT_OF_SERVICE));
	CHECK_EQ(probe_component(AX), SA_OK);
	leave_clean();
	return done();
}

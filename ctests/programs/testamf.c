/*
 * Asks the availability management framework everything that can be asked
 * about one component: before it is registered, while it is, and afterwards.
 */
#include "common.h"
#include "ais_amf.h"

#define BUFFER_ITEMS 64

static const char help[] =
	"[-n NAME] [-g GROUP] [-m MODEL]\n"
	"  -n NAME   the component (default comp_a_in_su_x)\n"
	"  -g GROUP  its protection group (default pgA)\n"
	"  -m MODEL  its capability model, 1 to 7 (default 5: x_active)\n"
	"  -h        this text\n"
	"The component must not be registered by another program.\n";

static SaAmfHandleT handle;
static SaSelectionObjectT selection;
static SaNameT component;
static SaNameT group;
static SaAmfProtectionGroupNotificationT buffer[BUFFER_ITEMS];
static int track_callbacks;

/* When the rest of its unit is registered the component is put to work while
 * this program runs: it does as it is told. */
static void on_healthcheck(SaInvocationT invocation, const SaNameT *name,
			   SaAmfHealthcheckT type)
{
	(void)name;
	(void)type;
	expect_quietly("answer to a heartbeat",
		       saAmfResponse(invocation, SA_OK), SA_OK);
}

static void on_readiness(SaInvocationT invocation, const SaNameT *name,
			 SaAmfReadinessStateT state)
{
	printf(NAME_FORMAT ": readiness %d\n", NAME_ARGS(name), (int)state);
	expect_quietly("answer to a readiness state",
		       state == SA_AMF_STOPPING ?
			       saAmfStoppingComplete(invocation, SA_OK) :
			       saAmfResponse(invocation, SA_OK),
		       SA_OK);
}

static void on_csi_set(SaInvocationT invocation, const SaNameT *name,
		       const SaNameT *csi, SaAmfCSIFlagsT flags,
		       SaAmfHAStateT *state, SaNameT *active,
		       SaAmfCSITransitionDescriptorT transition)
{
	(void)flags;
	(void)active;
	(void)transition;
	printf(NAME_FORMAT ": CSI " NAME_FORMAT " HA state %d\n",
	       NAME_ARGS(name), NAME_ARGS(csi), (int)*state);
	expect_quietly("answer to a CSI assignment",
		       saAmfResponse(invocation, SA_OK), SA_OK);
}

static void on_csi_remove(SaInvocationT invocation, const SaNameT *name,
			  const SaNameT *csi, const SaAmfCSIFlagsT *flags)
{
	(void)flags;
	printf(NAME_FORMAT ": CSI " NAME_FORMAT " removed\n", NAME_ARGS(name),
	       NAME_ARGS(csi));
	expect_quietly("answer to a CSI removal",
		       saAmfResponse(invocation, SA_OK), SA_OK);
}

static void on_track(const SaNameT *csi,
		     SaAmfProtectionGroupNotificationT *items,
		     SaUint32T item_count, SaUint32T stated_members,
		     SaErrorT error)
{
	bool listed = false;
	bool unchanged = true;

	track_callbacks++;
	if (!expect_quietly("track callback", error, SA_OK))
		return;
	if (!check(items == buffer && item_count <= BUFFER_ITEMS,
		   "expected at most %d items in the caller's buffer, got %lu%s",
		   BUFFER_ITEMS, (unsigned long)item_count,
		   items == buffer ? "" : " elsewhere"))
		return;
	check(same_name(csi, &group),
	      "expected protection group " NAME_FORMAT ", got " NAME_FORMAT,
	      NAME_ARGS(&group), NAME_ARGS(csi));
	for (size_t i = 0; i < item_count; i++) {
		const SaAmfProtectionGroupMemberT *member = &items[i].member;

		printf("member " NAME_FORMAT
		       " readiness %d HA state %d change %d\n",
		       NAME_ARGS(&member->compName),
		       (int)member->readinessState, (int)member->haState,
		       (int)items[i].change);
		unchanged = unchanged &&
			    items[i].change == SA_AMF_PROTECTION_GROUP_NO_CHANGE;
		listed = listed || same_name(&member->compName, &component);
	}
	/* What changes while this program runs comes later. */
	if (track_callbacks > 1)
		return;
	check(item_count == stated_members,
	      "expected every member in the first callback: %lu, got %lu",
	      (unsigned long)stated_members, (unsigned long)item_count);
	check(unchanged, "expected only no change (1) in the first callback");
	check(listed, "expected " NAME_FORMAT " among the members",
	      NAME_ARGS(&component));
}

static bool tracked(void)
{
	return track_callbacks > 0;
}

/* What is known of a component that is configured but has not registered. */
static void ask_unregistered(void)
{
	SaNameT name;
	SaAmfReadinessStateT readiness = 0;
	SaAmfComponentCapabilityModelT model;

	expect("CompNameGet without a component",
	       saAmfCompNameGet(&handle, &name), SA_ERR_NOT_EXIST);
	expect("ComponentCapabilityModelGet, not registered",
	       saAmfComponentCapabilityModelGet(&component, &model),
	       SA_ERR_NOT_EXIST);
	if (expect("ReadinessStateGet, not registered",
		   saAmfReadinessStateGet(&component, &readiness), SA_OK))
		check(readiness == SA_AMF_OUT_OF_SERVICE,
		      "expected out of service (1), got %d", (int)readiness);
	expect("Unregister, not registered",
	       saAmfComponentUnregister(&handle, &component, NULL),
	       SA_ERR_NOT_EXIST);
	expect("ErrorCancelAll, not registered",
	       saAmfErrorCancelAll(&component), SA_ERR_BAD_OPERATION);
}

static void ask_unknown(void)
{
	SaNameT unknown = name_of("no_such_component");
	SaAmfReadinessStateT readiness;
	SaAmfHAStateT ha;

	expect("Register a name that groups.conf lacks",
	       saAmfComponentRegister(&handle, &unknown, NULL),
	       SA_ERR_NOT_EXIST);
	expect("ReadinessStateGet of such a name",
	       saAmfReadinessStateGet(&unknown, &readiness), SA_ERR_NOT_EXIST);
	expect("HAStateGet of such a name",
	       saAmfHAStateGet(&unknown, &group, &ha), SA_ERR_NOT_EXIST);
	expect("HAStateGet of a CSI that does not exist",
	       saAmfHAStateGet(&component, &unknown, &ha), SA_ERR_NOT_EXIST);
}

static void ask_registered(SaAmfComponentCapabilityModelT wanted_model)
{
	SaNameT name;
	SaAmfReadinessStateT readiness = 0;
	SaAmfHAStateT ha = 0;
	SaErrorT ha_result;
	SaAmfComponentCapabilityModelT model = 0;
	SaAmfPendingOperationFlagsT pending = ~0UL;

	memset(&name, 0, sizeof(name));
	if (expect("CompNameGet", saAmfCompNameGet(&handle, &name), SA_OK))
		check(same_name(&name, &component),
		      "expected " NAME_FORMAT ", got " NAME_FORMAT,
		      NAME_ARGS(&component), NAME_ARGS(&name));
	if (expect("ComponentCapabilityModelGet",
		   saAmfComponentCapabilityModelGet(&component, &model), SA_OK))
		check(model == wanted_model, "expected model %d, got %d",
		      (int)wanted_model, (int)model);
	if (expect("PendingOperationGet",
		   saAmfPendingOperationGet(&component, &pending), SA_OK))
		check(pending == 0, "expected no pending operation, got 0x%lx",
		      (unsigned long)pending);
	if (expect("ReadinessStateGet",
		   saAmfReadinessStateGet(&component, &readiness), SA_OK))
		check(readiness == SA_AMF_OUT_OF_SERVICE ||
			      readiness == SA_AMF_IN_SERVICE,
		      "expected out of service (1) or in service (2), got %d",
		      (int)readiness);
	/* Without an assignment there is no HA state; whether there is one
	 * depends on the other components of the unit. */
	ha_result = saAmfHAStateGet(&component, &group, &ha);
	if (ha_result == SA_OK)
		check(ha >= SA_AMF_ACTIVE && ha <= SA_AMF_QUIESCED,
		      "expected an HA state from 1 to 3, got %d", (int)ha);
	else
		expect("HAStateGet without an assignment", ha_result,
		       SA_ERR_NOT_EXIST);
}

static void register_twice(void)
{
	must("Register", saAmfComponentRegister(&handle, &component, NULL),
	     SA_OK);
	expect("Register again",
	       saAmfComponentRegister(&handle, &component, NULL), SA_ERR_EXIST);
	expect("Unregister as the proxy that it is not",
	       saAmfComponentUnregister(&handle, &component, &component),
	       SA_ERR_BAD_OPERATION);
}

static void track(void)
{
	SaNameT unknown = name_of("no_such_group");

	expect("TrackStart of a group that does not exist",
	       saAmfProtectionGroupTrackStart(&handle, &unknown,
					      SA_TRACK_CURRENT, buffer,
					      BUFFER_ITEMS),
	       SA_ERR_NOT_EXIST);
	expect("TrackStart, current and changes only",
	       saAmfProtectionGroupTrackStart(
		       &handle, &group,
		       SA_TRACK_CURRENT | SA_TRACK_CHANGES_ONLY, buffer,
		       BUFFER_ITEMS),
	       SA_OK);
	check(dispatch_until(saAmfDispatch, &handle, selection,
			     now_ns() + PATIENCE, tracked),
	      "expected the members of " NAME_FORMAT,
	      NAME_ARGS(&group));
	expect("TrackStop", saAmfProtectionGroupTrackStop(&handle, &group),
	       SA_OK);
	expect("TrackStop again",
	       saAmfProtectionGroupTrackStop(&handle, &group),
	       SA_ERR_NOT_EXIST);
}

int main(int argc, char *argv[])
{
	const SaAmfCallbacksT callbacks = {
		.saAmfHealthcheckCallback = on_healthcheck,
		.saAmfReadinessStateSetCallback = on_readiness,
		.saAmfCSISetCallback = on_csi_set,
		.saAmfCSIRemoveCallback = on_csi_remove,
		.saAmfProtectionGroupTrackCallback = on_track,
	};
	long model = SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE;
	int letter;

	begin(argv[0]);
	component = name_of("comp_a_in_su_x");
	group = name_of("pgA");
	while ((letter = getopt(argc, argv, "n:g:m:h")) != -1) {
		if (letter == 'n')
			component = name_of(optarg);
		else if (letter == 'g')
			group = name_of(optarg);
		else if (letter == 'm')
			model = option_number(letter, optarg, 1, 7);
		else
			usage(letter, help);
	}
	/* It would name the component before any is registered. */
	unsetenv("SA_AMF_COMPONENT_NAME");

	must("Initialize", saAmfInitialize(&handle, &callbacks, &ais_version),
	     SA_OK);
	must("SelectionObjectGet", saAmfSelectionObjectGet(&handle, &selection),
	     SA_OK);
	ask_unregistered();
	ask_unknown();
	register_twice();
	ask_registered((SaAmfComponentCapabilityModelT)model);
	track();
	expect("Unregister", saAmfComponentUnregister(&handle, &component, NULL),
	       SA_OK);
	ask_unregistered();
	expect("Finalize", saAmfFinalize(&handle), SA_OK);
	expect("Finalize again", saAmfFinalize(&handle), SA_ERR_BAD_HANDLE);
	return finish();
}

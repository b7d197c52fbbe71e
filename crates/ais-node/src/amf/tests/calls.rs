//! What calls return.

use super::*;

fn on(component: &str, proxy: Option<&str>) -> (Name, Option<Name>) {
    (name(component), proxy.map(name))
}

fn register(rig: &mut Rig, program: &str, component: &str, proxy: Option<&str>) -> Outcome {
    let (component, proxy) = on(component, proxy);
    rig.call(program, Request::Register { component, proxy }).0
}

fn unregister(rig: &mut Rig, program: &str, component: &str, proxy: Option<&str>) -> Outcome {
    let (component, proxy) = on(component, proxy);
    rig.call(program, Request::Unregister { component, proxy }).0
}

#[test]
fn register_takes_each_configured_component_once() {
    let mut rig = Rig::new(2, vec![raid("x")]);
    rig.open("first", 0);
    rig.open("second", 1);
    for unknown in ["pgA", "raid_x", "a_xx", "a_x\0", ""] {
        assert_eq!(register(&mut rig, "first", unknown, None), Err(AisError::NotExist));
    }
    assert_eq!(register(&mut rig, "first", "a_x", None), Ok(()));
    assert_eq!(register(&mut rig, "first", "a_x", None), Err(AisError::Exist));
    assert_eq!(register(&mut rig, "second", "a_x", None), Err(AisError::Exist));
    rig.program("second").callbacks = Callbacks::all() - Callbacks::CSI_SET;
    assert_eq!(register(&mut rig, "second", "a_x", None), Err(AisError::Exist));
    assert_eq!(register(&mut rig, "second", "b_x", None), Err(AisError::Init));
}

#[test]
fn a_proxy_registers_others_on_its_own_handle() {
    let mut rig = Rig::new(2, vec![raid("xy")]);
    rig.open("first", 0);
    rig.open("second", 0);
    rig.open("elsewhere", 1);
    for proxy in ["unknown", "a_x"] {
        let result = register(&mut rig, "first", "b_x", Some(proxy));
        assert_eq!(result, Err(AisError::NotExist));
    }
    register(&mut rig, "first", "a_x", None).unwrap();
    for other in ["second", "elsewhere"] {
        let result = register(&mut rig, other, "b_x", Some("a_x"));
        assert_eq!(result, Err(AisError::BadOperation));
    }
    assert_eq!(register(&mut rig, "first", "unknown", Some("a_x")), Err(AisError::NotExist));
    assert_eq!(register(&mut rig, "first", "b_x", Some("a_x")), Ok(()));
    assert_eq!(register(&mut rig, "first", "b_x", Some("a_x")), Err(AisError::Exist));
    rig.run();
    rig.expect("first", &["InService", "InService", "pgA Active", "pgB Active"]);
}

#[test]
fn unregister_is_for_the_handle_and_the_proxy_that_registered() {
    let mut rig = Rig::new(2, vec![raid("xyz")]);
    rig.open("first", 0);
    rig.open("second", 0);
    rig.open("elsewhere", 1);
    for absent in ["unknown", "a_x"] {
        assert_eq!(unregister(&mut rig, "first", absent, None), Err(AisError::NotExist));
    }
    register(&mut rig, "first", "a_x", None).unwrap();
    register(&mut rig, "second", "a_y", None).unwrap();
    register(&mut rig, "first", "b_x", Some("a_x")).unwrap();
    for other in ["second", "elsewhere"] {
        assert_eq!(unregister(&mut rig, other, "a_x", None), Err(AisError::BadHandle));
    }
    for proxy in ["unknown", "a_z"] {
        let result = unregister(&mut rig, "first", "b_x", Some(proxy));
        assert_eq!(result, Err(AisError::NotExist));
    }
    for proxy in [Some("a_y"), None] {
        assert_eq!(unregister(&mut rig, "first", "b_x", proxy), Err(AisError::BadOperation));
    }
    assert_eq!(unregister(&mut rig, "first", "a_x", Some("a_x")), Err(AisError::BadOperation));
    assert_eq!(unregister(&mut rig, "first", "a_x", None), Err(AisError::BadOperation));
    assert_eq!(unregister(&mut rig, "first", "b_x", Some("a_x")), Ok(()));
    assert_eq!(unregister(&mut rig, "first", "a_x", None), Ok(()));
    assert_eq!(unregister(&mut rig, "first", "a_x", None), Err(AisError::NotExist));
}

#[test]
fn a_proxy_takes_along_those_it_speaks_for() {
    let mut rig = Rig::raid("x");
    rig.open("a_x", 0);
    rig.register("a_x").unwrap();
    register(&mut rig, "a_x", "b_x", Some("a_x")).unwrap();
    rig.report("a_x", Recovery::ComponentRestart, 5).unwrap();
    rig.run();
    let model = rig.model();
    assert_eq!(model.find_registered(&name("b_x")), Err(AisError::NotExist));
}

#[test]
fn the_name_of_a_handle_is_the_last_one_registered_on_it() {
    let mut rig = Rig::raid("x");
    rig.open("handle", 0);
    rig.open("other", 0);
    let ask = |rig: &mut Rig| {
        let (result, body) = rig.call("handle", Request::ComponentNameGet);
        result.map(|()| Reader::new(&body).name().unwrap().to_string())
    };
    assert_eq!(ask(&mut rig), Err(AisError::NotExist));
    register(&mut rig, "handle", "b_x", None).unwrap();
    assert_eq!(ask(&mut rig), Ok("b_x".into()));
    register(&mut rig, "handle", "a_x", None).unwrap();
    assert_eq!(ask(&mut rig), Ok("a_x".into()));
    unregister(&mut rig, "handle", "a_x", None).unwrap();
    assert_eq!(ask(&mut rig), Ok("b_x".into()));
    unregister(&mut rig, "handle", "b_x", None).unwrap();
    register(&mut rig, "other", "b_x", None).unwrap();
    assert_eq!(ask(&mut rig), Err(AisError::NotExist));
}

#[test]
fn states_are_known_on_every_node() {
    let mut rig = Rig::new(2, vec![raid("xy")]);
    rig.open("looker", 1);
    let byte = |rig: &mut Rig, request| {
        let (result, body) = rig.call("looker", request);
        result.map(|()| body[0])
    };
    let readiness = |component| Request::ReadinessStateGet { component: name(component) };
    let ha = |component, csi| Request::HaStateGet { component: name(component), csi: name(csi) };
    let model = |component| Request::CapabilityModelGet { component: name(component) };
    assert_eq!(byte(&mut rig, readiness("unknown")), Err(AisError::NotExist));
    assert_eq!(byte(&mut rig, readiness("a_x")), Ok(Readiness::OutOfService as u8));
    assert_eq!(byte(&mut rig, model("a_x")), Err(AisError::NotExist));
    rig.start(&["a_x"]);
    assert_eq!(byte(&mut rig, model("a_x")), Ok(CapabilityModel::XActive as u8));
    assert_eq!(byte(&mut rig, ha("a_x", "pgA")), Err(AisError::NotExist));
    rig.start(&["b_x", "a_y", "b_y"]);
    assert_eq!(byte(&mut rig, readiness("a_x")), Ok(Readiness::InService as u8));
    assert_eq!(byte(&mut rig, ha("a_x", "pgA")), Ok(HaState::Active as u8));
    assert_eq!(byte(&mut rig, ha("b_y", "pgB")), Ok(HaState::Standby as u8));
    for (component, csi) in [("a_x", "pgB"), ("a_x", "unknown"), ("unknown", "pgA")] {
        assert_eq!(byte(&mut rig, ha(component, csi)), Err(AisError::NotExist));
    }
    rig.kill("b_x");
    rig.run();
    assert_eq!(byte(&mut rig, ha("a_x", "pgA")), Ok(HaState::Quiesced as u8));
    assert_eq!(byte(&mut rig, ha("b_x", "pgB")), Err(AisError::NotExist));
    assert_eq!(byte(&mut rig, readiness("a_x")), Ok(Readiness::OutOfService as u8));
}

#[test]
fn no_operation_is_pending() {
    let mut rig = Rig::raid("x");
    rig.open("looker", 0);
    let pending = |component| Request::PendingOperationGet { component: name(component) };
    assert_eq!(rig.call("looker", pending("a_x")), (Ok(()), vec![0; 4]));
    assert_eq!(rig.call("looker", pending("unknown")).0, Err(AisError::NotExist));
}

#[test]
fn errors_are_for_registered_components() {
    let mut rig = Rig::raid("x");
    rig.open("a_x", 0);
    rig.open("unknown", 0);
    for (absent, error) in [("a_x", AisError::BadOperation), ("unknown", AisError::NotExist)] {
        let result = rig.report(absent, Recovery::NoRecommendation, 5);
        assert_eq!(result, Err(error));
        assert_eq!(rig.cancel_errors(absent), Err(error));
    }
    rig.register("a_x").unwrap();
    assert_eq!(rig.cancel_errors("a_x"), Ok(()), "there is nothing to cancel");
    assert_eq!(rig.report("a_x", Recovery::NoRecommendation, 5), Ok(()));
}

#[test]
fn a_registration_nobody_waits_for_ends_again() {
    let mut rig = Rig::new(2, vec![raid("x")]);
    rig.open("a_x", 0);
    let request = Request::Register { component: name("a_x"), proxy: None };
    rig.send("a_x", request);
    rig.kill("a_x");
    rig.run();
    assert_eq!(rig.model().find_registered(&name("a_x")), Err(AisError::NotExist));
    rig.start_on(1, "a_x");
}

#[test]
fn requests_of_a_handle_come_on_its_connection() {
    let mut rig = Rig::raid("x");
    let connection = ConnectionId(1);
    let caller = Caller { session: SessionId(1), connection, handle: Some((ServiceId::Clm, 0)) };
    let asker = Asker { session: SessionId(1), connection, id: 1 };
    let Replica { amf, fx, .. } = &mut rig.nodes[0];
    let now = Now { monotonic: 0, wall: 0 };
    for request in [
        Request::Register { component: name("a_x"), proxy: None },
        Request::Unregister { component: name("a_x"), proxy: None },
        Request::ComponentNameGet,
        Request::TrackStop { csi: name("pgA") },
    ] {
        let request = ais_proto::Request::Amf(request);
        assert_eq!(amf.on_request(now, &caller, asker, request, fx), Err(Malformed));
    }
    assert!(fx.list.is_empty());
}

#[test]
fn a_message_that_does_not_decode_changes_nothing() {
    let mut rig = Rig::raid("x");
    for message in [&[][..], &[0], &[99], &[4, 1], &[1, 255, 255]] {
        rig.nodes[0].fx.multicast(None, 8, |out| {
            out.raw(message);
        });
        rig.apply(0);
    }
    rig.run();
    rig.start(&["a_x", "b_x"]);
    rig.expect("a_x", &["InService", "pgA Active"]);
}

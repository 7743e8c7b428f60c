//! Calls: what a stream's token opens, how a record moves on, and whom a stranger cannot reach.

use secrecy::{ExposeSecret as _, SecretString};
use usher::voice::{
    Call, CallStatus, NewCall, Peer, PeerReport, Provider, Recording, StatusReport, VoiceProfile,
    VoiceSettings,
};
use usher_actors::voice::ports::CallUsage;
use usher_conversation::id::SessionId;
use usher_conversation::voice::{CallDirection, CallEnd};

use crate::world::{World, contract, profile};

const PHONE: &str = "+14155550100";
const SID: &str = "CA00000000000000000000000000000001";

async fn call_in(world: &World) -> Call {
    let session = world.session(PHONE).await.session;
    let new = NewCall {
        session,
        direction: CallDirection::Inbound,
        provider: Provider::ElevenLabs,
        phone: Some(PHONE.into()),
        line: Some("+14155550199".into()),
        vendor_call: Some(SID.into()),
        status: CallStatus::Ringing,
        due: None,
    };
    world.store.open_call(&world.org.id, new).await.unwrap()
}

fn outbound(world: &World, session: SessionId) -> NewCall {
    NewCall {
        session,
        direction: CallDirection::Outbound,
        provider: Provider::Rules,
        phone: Some(PHONE.into()),
        line: None,
        vendor_call: None,
        status: CallStatus::Planned,
        due: Some(world.now().plus_millis(1_000)),
    }
}

async fn planned(world: &World) -> Call {
    let new = outbound(world, world.session(PHONE).await.session);
    world.store.open_call(&world.org.id, new).await.unwrap()
}

fn report(status: CallStatus, seconds: Option<u32>) -> StatusReport {
    StatusReport { status, seconds, answered_by: None }
}

contract! {
    async fn a_session_has_one_call_of_ours_at_a_time_however_many_ask_for_it(world: World) {
        let (store, org, session) = (&world.store, &world.org.id, world.session(PHONE).await.session);
        let plan = || store.plan_call(org, outbound(&world, session.clone()));
        let asked = futures_util::future::join_all((0..8).map(|_| plan())).await;
        let mut calls: Vec<_> = asked.into_iter().map(|call| call.unwrap().id).collect();
        calls.dedup();
        assert_eq!(calls.len(), 1);
        let sooner = NewCall { due: Some(world.now()), ..outbound(&world, session.clone()) };
        let brought = store.plan_call(org, sooner).await.unwrap();
        assert_eq!((&brought.id, brought.due), (&calls[0], Some(world.now())), "who asks again does not wait");
        assert_eq!(plan().await.unwrap().due, Some(world.now()), "nor does a later wish put it off");
        store.end_call(org, &calls[0], CallEnd::Canceled).await.unwrap();
        assert_ne!(plan().await.unwrap().id, calls[0], "one that is over stands in nobody's way");
    }

    async fn a_stream_token_opens_its_own_call_once(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, call_in(&world).await);
        let token = store.issue_stream_token(org, &call.id).await.unwrap();
        let wrong = SecretString::from("0".repeat(64));
        assert!(store.take_stream_token(org, &call.id, SID, &wrong).await.unwrap().is_none());
        assert!(store.take_stream_token(org, &call.id, "CA2", &token).await.unwrap().is_none(), "another call");
        let kept = world.back().await.texts("SELECT token_hash FROM calls").await;
        assert_ne!(kept, [token.expose_secret()], "only the hash is kept");
        // However many come with it at once, one gets in.
        let takes = (0..8).map(|_| {
            let (store, org, call, token) = (store.clone(), org.clone(), call.id.clone(), token.clone());
            tokio::spawn(async move { store.take_stream_token(&org, &call, SID, &token).await.unwrap() })
        });
        let takes: Vec<_> = takes.collect();
        let mut opened = Vec::new();
        for take in takes {
            opened.extend(take.await.unwrap());
        }
        assert_eq!(opened.len(), 1);
        assert_eq!((opened[0].attachments, opened[0].id.clone()), (1, call.id));
    }

    async fn a_stream_token_that_was_not_forgotten_would_open_its_call_again(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, call_in(&world).await);
        let token = store.issue_stream_token(org, &call.id).await.unwrap();
        let hash = world.back().await.texts("SELECT token_hash FROM calls").await;
        let until = world.now().plus_millis(60_000).as_millis();
        assert!(store.take_stream_token(org, &call.id, SID, &token).await.unwrap().is_some());
        let put_back = format!("UPDATE calls SET token_hash = '{}', token_until = {until}", hash[0]);
        world.back().await.execute(&put_back).await;
        assert!(store.take_stream_token(org, &call.id, SID, &token).await.unwrap().is_some());
    }

    async fn a_stream_token_ends_with_time_with_a_newer_one_and_with_its_call(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, call_in(&world).await);
        let first = store.issue_stream_token(org, &call.id).await.unwrap();
        let second = store.issue_stream_token(org, &call.id).await.unwrap();
        assert!(store.take_stream_token(org, &call.id, SID, &first).await.unwrap().is_none(), "replaced");
        world.advance(60_000);
        assert!(store.take_stream_token(org, &call.id, SID, &second).await.unwrap().is_none(), "too late");
        let third = store.issue_stream_token(org, &call.id).await.unwrap();
        assert!(store.end_call(org, &call.id, CallEnd::Finished).await.unwrap());
        assert!(store.take_stream_token(org, &call.id, SID, &third).await.unwrap().is_none(), "it is over");
    }

    async fn a_call_the_carrier_tells_of_twice_is_recorded_once(world: World) {
        let (first, second) = (call_in(&world).await, call_in(&world).await);
        assert_eq!(first, second);
        let found = world.store.call_of_vendor(&world.org.id, SID).await.unwrap();
        assert_eq!(found, Some(first));
    }

    async fn reports_in_any_order_leave_a_call_where_the_newest_one_says(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, call_in(&world).await);
        for (status, seconds, news) in [
            (CallStatus::InProgress, None, true),
            (CallStatus::Ringing, None, false),
            (CallStatus::Completed, Some(15), true),
            (CallStatus::InProgress, None, false),
            (CallStatus::Busy, Some(99), false),
        ] {
            let told = store.report_call(org, &call.id, report(status, seconds)).await.unwrap();
            assert_eq!(told, news, "{status:?}");
        }
        let call = store.call(org, &call.id).await.unwrap().unwrap();
        assert_eq!((call.status, call.seconds), (CallStatus::Completed, Some(15)));
        assert!(call.answered_at.is_some() && call.ended_at.is_some());
    }

    async fn an_attachment_says_why_it_let_go_unless_a_newer_one_has_the_call(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, call_in(&world).await);
        for _ in 0..2 {
            let token = store.issue_stream_token(org, &call.id).await.unwrap();
            store.take_stream_token(org, &call.id, SID, &token).await.unwrap().unwrap();
        }
        let usage = |millis| CallUsage { millis, ..CallUsage::default() };
        store.end_attachment(org, &call.id, 0, Err("line_lost"), &usage(1)).await.unwrap();
        assert_eq!(store.call(org, &call.id).await.unwrap().unwrap().handover, None, "the second one has it");
        store.end_attachment(org, &call.id, 1, Err("drain"), &usage(2)).await.unwrap();
        store.end_attachment(org, &call.id, 1, Err("drain"), &usage(3)).await.unwrap();
        let found = store.call(org, &call.id).await.unwrap().unwrap();
        assert_eq!(found.handover.as_deref(), Some("drain"));
        assert_eq!(store.call_usage(org, &call.id).await.unwrap(), [usage(1), usage(2)]);
        store.end_attachment(org, &call.id, 2, Ok(CallEnd::Finished), &usage(4)).await.unwrap();
        assert!(!store.end_call(org, &call.id, CallEnd::Failed).await.unwrap(), "it ended once");
        let found = store.call(org, &call.id).await.unwrap().unwrap();
        assert_eq!(found.outcome.as_deref(), Some("finished"));
    }

    async fn a_planned_call_is_placed_by_one_and_tried_again_once(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, planned(&world).await);
        assert!(store.due_calls(world.now()).await.unwrap().is_empty());
        assert_eq!(store.next_call_due().await.unwrap(), call.due);
        let now = world.advance(1_000);
        store.postpone_call(org, &call.id, now.plus_millis(1)).await.unwrap();
        assert!(store.due_calls(now).await.unwrap().is_empty());
        let now = world.advance(1);
        assert_eq!(store.due_calls(now).await.unwrap(), [(org.clone(), call.id.clone())]);
        assert!(store.claim_call(org, &call.id).await.unwrap().is_some());
        assert!(store.claim_call(org, &call.id).await.unwrap().is_none());
        let before = now.plus_millis(-1);
        assert!(store.stranded_calls(before).await.unwrap().is_empty(), "it is being placed");
        assert_eq!(store.stranded_calls(now).await.unwrap(), [(org.clone(), call.id.clone())]);
        assert!(store.call_placed(org, &call.id, SID).await.unwrap());
        assert!(store.call_placed(org, &call.id, SID).await.unwrap());
        assert!(!store.call_placed(org, &call.id, "CA2").await.unwrap(), "it is another's");
        assert!(store.stranded_calls(now).await.unwrap().is_empty());
        assert!(store.plan_retry(org, &call, now.plus_millis(5)).await.unwrap());
        assert!(!store.plan_retry(org, &call, now.plus_millis(5)).await.unwrap());
        let (_, retry) = store.due_calls(now.plus_millis(5)).await.unwrap().remove(0);
        assert_eq!(store.call(org, &retry).await.unwrap().unwrap().attempt, 2);
    }

    async fn who_speaks_is_remembered_and_the_key_is_sealed(world: World) {
        let (store, org) = (&world.store, &world.org.id);
        assert!(store.voice(org).await.unwrap().is_none());
        let profile = VoiceProfile { agent_name: "Ada".into(), ..VoiceProfile::default() };
        let voice = VoiceSettings {
            provider: Provider::ElevenLabs,
            agent_id: Some("agent_1".into()),
            api_key: Some("xi-secret-key".to_owned().into()),
            profile: profile.clone(),
        };
        store.save_voice(org, voice).await.unwrap();
        let found = store.voice(org).await.unwrap().unwrap();
        assert_eq!((found.provider, found.agent_id.as_deref()), (Provider::ElevenLabs, Some("agent_1")));
        assert_eq!(found.profile, profile);
        assert_eq!(found.api_key.unwrap().expose_secret(), "xi-secret-key");
        let clear = "SELECT 'clear' FROM voice_settings WHERE CAST(api_key AS TEXT) LIKE '%xi-secret%'";
        assert!(world.back().await.texts(clear).await.is_empty());
    }

    async fn a_stranger_reads_and_changes_nothing_of_a_call(world: World) {
        let call = call_in(&world).await;
        let (store, owner) = (&world.store, &world.org.id);
        let voice = VoiceSettings { agent_id: Some("agent_1".into()), ..VoiceSettings::default() };
        store.save_voice(owner, voice).await.unwrap();
        let token = store.issue_stream_token(owner, &call.id).await.unwrap();
        let stranger = &store.create_organisation(profile("Stranger")).await.unwrap().id;

        assert!(store.voice(stranger).await.unwrap().is_none());
        assert!(store.call(stranger, &call.id).await.unwrap().is_none());
        assert!(store.call_of_vendor(stranger, SID).await.unwrap().is_none());
        assert!(store.call_usage(stranger, &call.id).await.unwrap().is_empty());
        assert!(store.calls(stranger, Some(&call.session), None, 10).await.unwrap().is_empty());
        assert_eq!(store.calls(owner, Some(&call.session), None, 10).await.unwrap(), std::slice::from_ref(&call));
        assert!(store.take_stream_token(stranger, &call.id, SID, &token).await.unwrap().is_none());
        assert!(!store.report_call(stranger, &call.id, report(CallStatus::Failed, None)).await.unwrap());
        assert!(!store.end_call(stranger, &call.id, CallEnd::Failed).await.unwrap());
        assert!(!store.call_placed(stranger, &call.id, "CA2").await.unwrap());
        assert!(store.claim_call(stranger, &call.id).await.unwrap().is_none());
        assert!(!store.plan_retry(stranger, &call, world.now()).await.unwrap());
        let new = NewCall {
            session: call.session.clone(),
            direction: CallDirection::Outbound,
            provider: Provider::Rules,
            phone: None,
            line: None,
            vendor_call: None,
            status: CallStatus::Planned,
            due: None,
        };
        assert!(store.plan_call(stranger, new.clone()).await.is_err(), "the session is another's");
        assert!(store.open_call(stranger, new).await.is_err(), "the session is another's");
        store.issue_stream_token(stranger, &call.id).await.unwrap();
        store.call_answered_by(stranger, &call.id, "human").await.unwrap();
        store.call_conversation(stranger, &call.id, "conv").await.unwrap();
        store.call_taken_over(stranger, &call.id).await.unwrap();
        let recording = Recording { id: "RE1".into(), url: "https://api.twilio.com/RE1".into() };
        store.call_recorded(stranger, &call.id, recording).await.unwrap();
        store.postpone_call(stranger, &call.id, world.now()).await.unwrap();
        let usage = CallUsage::default();
        store.end_attachment(stranger, &call.id, 0, Ok(CallEnd::Failed), &usage).await.unwrap();

        assert_eq!(store.call(owner, &call.id).await.unwrap(), Some(call.clone()));
        assert!(store.call_usage(owner, &call.id).await.unwrap().is_empty());
        assert!(store.take_stream_token(owner, &call.id, SID, &token).await.unwrap().is_some());
    }

    async fn a_door_opens_to_its_provider_alone_and_a_newer_one_shuts_it(world: World) {
        let (store, org) = (&world.store, &world.org.id);
        let door = |text: &str| SecretString::from(text.to_owned());
        let peer = |text: &str| Peer { line: Some("+14157774444".into()), door: door(text) };
        let voice = VoiceSettings {
            provider: Provider::Retell,
            agent_id: Some("agent_1".into()),
            ..VoiceSettings::default()
        };
        store.save_voice(org, voice).await.unwrap();
        store.save_voice_peer(org, peer("first-door")).await.unwrap();
        let opened = |provider, text: &str| {
            let door = door(text);
            async move { store.org_of_door(provider, &door).await.unwrap() }
        };
        assert_eq!(opened(Provider::Retell, "first-door").await.as_ref(), Some(org));
        assert_eq!(opened(Provider::Vapi, "first-door").await, None, "another provider");
        assert_eq!(opened(Provider::Retell, "").await, None);
        let claims = |agent: &'static str, line: &'static str| async move {
            store.orgs_of_agent(Provider::Retell, Some(agent), Some(line)).await.unwrap()
        };
        assert_eq!(claims("agent_1", "").await, std::slice::from_ref(org));
        assert_eq!(claims("", "+14157774444").await, std::slice::from_ref(org));
        assert!(claims("agent_2", "+14157774445").await.is_empty());
        store.save_voice_peer(org, peer("second-door")).await.unwrap();
        assert_eq!(opened(Provider::Retell, "first-door").await, None);
        assert_eq!(store.voice_peer(org).await.unwrap().unwrap().door.expose_secret(), "second-door");
        let clear = "SELECT 'clear' FROM voice_peers WHERE CAST(door AS TEXT) LIKE '%-door%' OR door_hash LIKE '%-door%'";
        assert!(world.back().await.texts(clear).await.is_empty());
    }

    async fn what_a_provider_reports_is_sealed_for_its_owner_and_goes_with_the_person(world: World) {
        let (store, org, call) = (&world.store, &world.org.id, call_in(&world).await);
        let report = PeerReport { summary: Some("They are called Reyes.".into()), ..PeerReport::default() };
        store.keep_call_report(org, &call, PeerReport::default()).await.unwrap();
        store.keep_call_report(org, &call, report.clone()).await.unwrap();
        assert_eq!(store.call_report(org, &call).await.unwrap(), Some(report.clone()));
        let clear = "SELECT 'clear' FROM call_reports WHERE CAST(report AS TEXT) LIKE '%Reyes%'";
        assert!(world.back().await.texts(clear).await.is_empty());
        let stranger = &store.create_organisation(profile("Stranger")).await.unwrap().id;
        assert!(store.voice_peer(stranger).await.unwrap().is_none());
        assert!(store.call_report(stranger, &call).await.unwrap().is_none());
        assert!(store.keep_call_report(stranger, &call, report).await.is_err());
        assert!(store.attach_call(stranger, &call.id).await.unwrap().is_none());
        store.call_lasted(stranger, &call.id, 7).await.unwrap();
        store.call_lasted(org, &call.id, 42).await.unwrap();
        store.call_lasted(org, &call.id, 43).await.unwrap();
        assert_eq!(store.call(org, &call.id).await.unwrap().unwrap().seconds, Some(42), "the first word counts");
        let attached = store.attach_call(org, &call.id).await.unwrap().unwrap();
        assert_eq!((attached.attachments, attached.answered_at), (1, Some(world.now())));
        assert!(store.end_call(org, &call.id, CallEnd::Finished).await.unwrap());
        assert!(store.attach_call(org, &call.id).await.unwrap().is_none(), "it is over");
        assert!(store.erase_contact(org, &call.contact).await.unwrap());
        assert!(store.call_report(org, &call).await.unwrap().is_none());
    }

    async fn an_erased_person_leaves_no_number_in_the_call_records(world: World) {
        let call = call_in(&world).await;
        assert!(world.store.erase_contact(&world.org.id, &call.contact).await.unwrap());
        assert_eq!(world.store.call(&world.org.id, &call.id).await.unwrap().unwrap().phone, None);
    }
}

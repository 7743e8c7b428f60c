//! What a session asks of the world: messages, timers, consent, escalations; and what it tells the caller and the screen.

use usher_conversation::channel::Channel;
use usher_conversation::consent::{ConsentChange, Keyword};
use usher_conversation::flow::FieldId;
use usher_conversation::id::DeliveryId;
use usher_conversation::session::{
    Command, DeliveryStatus, Effect, EscalationReason, Event, Inbound, MessageKind, MissedFile,
    OutboundMessage, effects_of, reply_of,
};
use usher_conversation::view::{SessionView, transcript_of};

use crate::support::{World, inbound, meta, meta_of, origin, sound};

fn started() -> World {
    let mut world = World::new(meta(), sound);
    world.start(Channel::Sms);
    world
}

/// What the last turn asks of the world.
fn effects(world: &World) -> Vec<Effect> {
    world.journal.last().map_or_else(Vec::new, |turn| effects_of(&world.meta, turn))
}

fn sent(effects: &[Effect]) -> Vec<&OutboundMessage> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(message) => Some(message),
        _ => None,
    });
    sent.collect()
}

fn fire_the_timer(world: &mut World) {
    let timer = world.state.timer().cloned().expect("a timer runs");
    world.now = world.now.max(timer.due);
    world.command(Command::Fire { timer: timer.id });
}

fn report(world: &mut World, delivery: &DeliveryId, status: DeliveryStatus, error_code: Option<u32>) -> bool {
    let delivery = delivery.clone();
    world.command(Command::Report { delivery, status, error_code, retry_after: None }).is_some()
}

/// The handset was off: another try may succeed in two hours.
fn fails_for_now(world: &mut World, delivery: &DeliveryId) -> Vec<Effect> {
    let (delivery, retry_after) = (delivery.clone(), Some(2 * 60 * 60 * 1000));
    let status = DeliveryStatus::Failed;
    world.command(Command::Report { delivery, status, error_code: Some(30003), retry_after });
    effects(world)
}

#[test]
fn a_message_that_could_not_be_delivered_is_sent_twice_more_and_then_shown_to_a_person() {
    let mut world = started();
    let mut last = sent(&effects(&world))[0].clone();
    for _ in 0..2 {
        let effects = fails_for_now(&mut world, &last.delivery);
        let [again] = sent(&effects)[..] else { panic!("one message, not {effects:?}") };
        assert_eq!(again.text, last.text);
        assert_ne!(again.delivery, last.delivery);
        assert!(again.not_before.is_some_and(|at| at > world.now), "{again:?}");
        assert!(transcript_of(world.journal.last().expect("a turn")).is_empty(), "nothing new was said");
        assert_eq!(effects.len(), 1, "nobody is called yet: {effects:?}");
        last = again.clone();
    }
    let effects = fails_for_now(&mut world, &last.delivery);
    assert!(sent(&effects).is_empty(), "{effects:?}");
    assert!(matches!(effects[..], [Effect::Escalate { .. }]), "{effects:?}");
}

#[test]
fn a_message_the_contact_has_answered_is_not_sent_again() {
    let mut world = started();
    let greeting = sent(&effects(&world))[0].clone();
    world.receive(Channel::Sms, "Acme Plumbing");
    assert!(sent(&fails_for_now(&mut world, &greeting.delivery)).is_empty());
    let mut world = started();
    let greeting = sent(&effects(&world))[0].clone();
    world.receive(Channel::Sms, "Stop");
    assert!(sent(&fails_for_now(&mut world, &greeting.delivery)).is_empty());
}

#[test]
fn the_answer_leaves_from_the_number_that_was_written_to() {
    let mut world = started();
    assert_eq!(sent(&effects(&world))[0].line, None, "the first text leaves from the first number");
    for line in ["+14155550101", "MG00000000000000000000000000000001", "+14155550102"] {
        let mut written = inbound(Channel::Sms, "what was the question?");
        written.origin.line = Some(line.to_owned());
        world.command(Command::Receive(written));
        assert_eq!(sent(&effects(&world))[0].line.as_deref(), Some(line));
    }
    fire_the_timer(&mut world);
    let reminder = effects(&world);
    assert_eq!(sent(&reminder)[0].line.as_deref(), Some("+14155550102"), "and so does a reminder");
}

#[test]
fn a_file_that_did_not_come_is_in_the_journal_and_is_asked_for_again() {
    let mut world = started();
    let missed = vec![MissedFile::Unavailable];
    world.command(Command::Receive(Inbound { missed, ..inbound(Channel::Sms, "") }));
    let turn = world.journal.last().expect("a turn");
    assert!(turn.events.iter().any(|event| matches!(event, Event::FileMissed { .. })), "{turn:?}");
    assert!(!turn.events.iter().any(|event| matches!(event, Event::Missed { .. })), "{turn:?}");
    let said = effects(&world);
    let reply = sent(&said)[0];
    assert!(reply.text.contains("send it again") && reply.text.contains("business called"), "{}", reply.text);

    let missed = vec![MissedFile::Refused];
    world.command(Command::Receive(Inbound { missed, ..inbound(Channel::Sms, "Acme Plumbing") }));
    let said = effects(&world);
    assert!(sent(&said)[0].text.contains("that kind of file"), "{said:?}");
    assert!(world.state.answer(&FieldId::new("business_name")).is_some(), "the words with it are taken");
}

#[test]
fn the_first_text_carries_the_link_the_question_and_the_way_out() {
    let world = started();
    let effects = effects(&world);
    let [greeting] = sent(&effects)[..] else { panic!("one message, not {effects:?}") };
    assert_eq!(greeting.kind, MessageKind::Greeting);
    assert_eq!(
        greeting.text,
        "Hi Dana! Let's get you set up with Bright Agency. Click here: https://usher.example/s/lnk_abc or just answer \
         here. What is your business called? Reply STOP to opt out."
    );
}

#[test]
fn a_reply_takes_the_place_of_replies_that_still_wait() {
    let mut world = started();
    world.receive(Channel::Sms, "Acme Plumbing");
    let effects = effects(&world);
    assert_eq!(effects.first(), Some(&Effect::SupersedeReplies));
    assert_eq!(sent(&effects).len(), 1, "{effects:?}");
}

#[test]
fn a_message_may_wait_until_it_is_reported_to_have_left() {
    let mut world = started();
    assert!(world.state.may_have_waiting_messages(), "the greeting");
    let greeting = sent(&effects(&world))[0].delivery.clone();
    let report = |delivery: &DeliveryId| Command::Report {
        delivery: delivery.clone(),
        status: DeliveryStatus::Queued,
        error_code: None,
        retry_after: None,
    };
    world.command(report(&greeting));
    assert!(!world.state.may_have_waiting_messages());
    world.submit("business_name", "Acme Plumbing".into());
    assert!(!world.state.may_have_waiting_messages(), "a page shows its replies itself");
    world.receive(Channel::Sms, "dana@acme.com");
    let reply = sent(&effects(&world))[0].delivery.clone();
    world.command(report(&greeting));
    assert!(world.state.may_have_waiting_messages());
    world.command(report(&reply));
    assert!(!world.state.may_have_waiting_messages());
}

#[test]
fn a_plain_answer_costs_one_message_and_no_timer() {
    let mut world = started();
    world.receive(Channel::Sms, "Acme Plumbing");
    world.wait_hours(1);
    world.receive(Channel::Sms, "dana@acme.com");
    assert_eq!(effects(&world).len(), 2, "{:?}", effects(&world));
}

#[test]
fn what_is_entered_in_the_widget_sends_no_text() {
    let mut world = started();
    world.submit("business_name", "Acme Plumbing".into());
    assert_eq!(effects(&world), [Effect::SupersedeReplies]);
    let lines = transcript_of(world.journal.last().expect("a turn"));
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(texts[0] == "Acme Plumbing" && texts[1].contains("What email"), "{texts:?}");
}

#[test]
fn the_word_stop_on_a_long_code_is_confirmed_by_twilio_and_not_by_us() {
    let mut world = started();
    world.receive(Channel::Sms, "Stop");
    let effects = effects(&world);
    assert!(sent(&effects).is_empty(), "{effects:?}");
    assert!(effects.contains(&Effect::ChangeConsent { change: ConsentChange::OptedOut }));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::CancelTimer { .. })));
    assert!(world.state.timer().is_none());
}

#[test]
fn an_opt_out_that_the_vendor_recognised_is_not_answered_again() {
    let mut world = started();
    let vendor_keyword = Some(Keyword::Stop);
    world.command(Command::Receive(Inbound { vendor_keyword, ..inbound(Channel::Sms, "please cease") }));
    assert!(world.state.is_opted_out());
    assert!(sent(&effects(&world)).is_empty());
}

#[test]
fn a_client_who_opted_out_can_finish_in_the_form_without_a_text() {
    let mut world = started();
    world.receive(Channel::Sms, "STOP");
    for (field, value) in [
        ("business_name", "Acme"),
        ("email", "dana@acme.com"),
        ("phone", "4155550199"),
        ("has_website", "no"),
        ("plan", "pro"),
        ("budget", ""),
        ("notes", ""),
    ] {
        world.submit(field, value.into());
        assert!(sent(&effects(&world)).is_empty());
    }
    assert!(world.state.is_complete());
}

#[test]
fn three_reminders_are_sent_further_and_further_apart_and_then_none() {
    let mut world = started();
    let mut reminded_at = vec![world.now];
    while world.state.timer().is_some() {
        fire_the_timer(&mut world);
        if let [nudge] = sent(&effects(&world))[..] {
            assert_eq!(nudge.kind, MessageKind::Nudge);
            assert!(nudge.text.contains("What is your business called?"), "{}", nudge.text);
            reminded_at.push(world.now);
        }
    }
    let gaps: Vec<i64> = reminded_at.windows(2).map(|pair| pair[1].millis_since(pair[0])).collect();
    assert_eq!(gaps.len(), 3);
    assert!(gaps[0] < gaps[1] && gaps[1] < gaps[2], "{gaps:?}");
}

#[test]
fn whoever_puts_it_off_is_reminded_when_they_have_time() {
    // It is noon in New York, the 17th.
    for (said, hours_until, promise) in [
        ("call me tomorrow", 22, "I'll check back tomorrow."),
        ("not now", 24, "I'll check back tomorrow."),
        ("busy, give me an hour", 1, "I'll check back later today."),
        ("text me tonight", 7, "I'll check back later today."),
        ("remind me on friday", 70, "I'll check back on Fri, Nov 20, 2026."),
        ("brb", 4, "Your answers are saved; carry on whenever you like."),
    ] {
        let mut world = started();
        world.receive(Channel::Sms, said);
        let answered = sent(&effects(&world)).iter().any(|message| message.text.contains(promise));
        assert!(answered, "{said}: {:?}", sent(&effects(&world)));
        let said_at = world.now;
        let mut reminders = 0;
        while reminders == 0 {
            fire_the_timer(&mut world);
            reminders = sent(&effects(&world)).len();
        }
        assert_eq!(world.now.millis_since(said_at), hours_until * 60 * 60 * 1000, "{said}");
    }
}

#[test]
fn without_a_zone_the_hours_of_the_contacts_own_number_count() {
    let reminded = |phone: Option<&str>| {
        let mut meta = meta();
        (meta.zone, meta.phone) = (None, phone.map(str::to_owned));
        let mut world = World::new(meta, sound);
        // Three in the afternoon in New York: four hours on it is seven there, and late for nobody in the country.
        world.wait_hours(7);
        world.start(Channel::Sms);
        fire_the_timer(&mut world);
        world.now
    };
    assert!(reminded(Some("+12125550100")) > reminded(Some("+14155550100")), "San Francisco is still awake");
}

#[test]
fn a_timer_that_finds_the_client_active_waits_again() {
    let mut world = started();
    world.wait_hours(3);
    world.receive(Channel::Sms, "Acme Plumbing");
    fire_the_timer(&mut world);
    let effects = effects(&world);
    assert!(sent(&effects).is_empty(), "{effects:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SetTimer { .. })));
}

#[test]
fn a_stale_timer_and_a_report_that_goes_backwards_are_no_turns() {
    let mut world = started();
    let stale = world.state.timer().cloned().expect("a timer runs").id;
    world.receive(Channel::Sms, "STOP");
    assert!(world.command(Command::Fire { timer: stale }).is_none());

    let mut world = started();
    let delivery = DeliveryId::derive(&world.meta.session, 1, 0);
    assert!(report(&mut world, &delivery, DeliveryStatus::Delivered, None));
    assert!(!report(&mut world, &delivery, DeliveryStatus::Sent, None));
    assert!(!report(&mut world, &delivery, DeliveryStatus::Delivered, None));
}

#[test]
fn texts_that_do_not_arrive_are_shown_to_a_person_once() {
    let mut world = started();
    let mut escalated = 0;
    for seq in 1..=3 {
        let delivery = DeliveryId::derive(&world.meta.session, seq, 0);
        report(&mut world, &delivery, DeliveryStatus::Failed, Some(30003));
        let undeliverable = |effect: &&Effect| {
            matches!(effect, Effect::Escalate { reason: EscalationReason::Undeliverable, .. })
        };
        escalated += effects(&world).iter().filter(undeliverable).count();
        world.receive(Channel::Sms, "Acme");
    }
    assert_eq!(escalated, 1);
}

#[test]
fn a_block_by_the_vendor_is_an_opt_out() {
    let mut world = started();
    let delivery = DeliveryId::derive(&world.meta.session, 1, 0);
    report(&mut world, &delivery, DeliveryStatus::Failed, Some(21610));
    assert!(world.state.is_opted_out());
}

#[test]
fn opening_the_page_is_journaled_once_a_visit_and_moves_the_reminder() {
    let mut world = started();
    let open = || Command::Open { origin: origin(Channel::Widget) };
    assert!(world.command(open()).is_some());
    assert!(world.command(open()).is_none());
    world.wait_hours(1);
    assert!(world.command(open()).is_some());
    world.wait_hours(3);
    fire_the_timer(&mut world);
    assert!(sent(&effects(&world)).is_empty());
}

#[test]
fn a_form_is_told_what_is_wrong_and_a_duplicate_is_told_the_same() {
    let mut world = started();
    world.submit("email", "nonsense".into());
    let turn = world.journal.last().cloned().expect("a turn");
    let reply = reply_of(&world.meta, &world.state, &turn);
    let error = reply.error.clone().expect("an error");
    assert_eq!(error.field, FieldId::new("email"));
    assert!(error.message.contains("exactly one @"), "{}", error.message);
    let rebuilt = usher_conversation::session::fold(&world.meta, None, &world.journal);
    assert_eq!(reply_of(&world.meta, &rebuilt, &turn), reply);
}

#[test]
fn a_form_that_skips_what_is_required_is_refused_and_what_is_not_is_left_out() {
    let mut world = started();
    let skip = |field: &str| Command::Skip { origin: origin(Channel::Widget), field: FieldId::new(field) };
    world.command(skip("email"));
    assert!(!world.state.is_skipped(&FieldId::new("email")));
    world.command(skip("notes"));
    assert!(world.state.is_skipped(&FieldId::new("notes")));
    assert!(world.command(skip("website")).is_none(), "a field that is not asked cannot be skipped");
}

#[test]
fn a_normalised_value_from_a_form_needs_no_read_back() {
    let mut flow = crate::support::flow();
    flow.fields[1].confirm = true;
    let mut world = World::new(meta_of(flow, "en"), sound);
    world.start(Channel::Sms);
    world.submit("email", "Dana@Acme.com".into());
    assert_eq!(world.state.confirmation().map(|waiting| waiting.field.as_str()), Some("email"));
    world.submit("email", "dana@acme.com".into());
    assert!(world.state.confirmation().is_none());
    assert_eq!(world.answers()["email"], "dana@acme.com");
}

#[test]
fn the_first_message_of_a_contact_who_wrote_first_is_welcomed_and_asked() {
    let mut world = World::new(meta(), sound);
    world.command(Command::Start { channel: None });
    world.receive(Channel::Sms, "hi");
    let effects = effects(&world);
    let [welcome] = sent(&effects)[..] else { panic!("one message, not {effects:?}") };
    assert_eq!(
        welcome.text,
        "Hi Dana! Thanks for getting in touch with Bright Agency. What is your business called?"
    );
}

#[test]
fn the_view_has_the_form_of_the_api() {
    let mut world = started();
    world.receive(Channel::Sms, "Acme Plumbing");
    world.receive(Channel::Sms, "nonsense");
    let view = serde_json::to_value(SessionView::of(&world.meta, &world.state)).expect("a view is JSON");
    assert_eq!(view["session"]["status"], "active");
    assert_eq!(view["session"]["seq"], 3);
    assert_eq!(view["session"]["createdAt"], "2026-11-17T17:00:00Z");
    assert_eq!(view["progress"], serde_json::json!({ "answered": 1, "total": 5 }));
    assert_eq!(view["fields"][0]["answer"]["value"], "Acme Plumbing");
    assert_eq!(view["fields"][0]["answer"]["channel"], "sms");
    assert_eq!(view["fields"][4]["visible"], false);
    assert_eq!(view["fields"][5]["prompt"], "Which plan fits Acme Plumbing?");
    assert_eq!(view["currentQuestion"]["field"], "email");
    assert!(view["currentQuestion"]["error"].as_str().is_some_and(|error| error.contains('@')));
}

#[test]
fn a_sensitive_answer_is_kept_from_summaries_and_screens() {
    let mut flow = crate::support::flow();
    flow.fields[2].sensitive = true;
    let mut world = World::new(meta_of(flow, "en"), sound);
    world.start(Channel::Sms);
    world.submit("phone", "415-555-0199".into());
    world.receive(Channel::Sms, "change my phone to 415-555-0123");
    let view = serde_json::to_string(&SessionView::of(&world.meta, &world.state)).expect("a view is JSON");
    assert!(!view.contains("0123"), "{view}");
    let said = world.journal.iter().flat_map(|turn| &turn.events).filter_map(|event| match event {
        Event::Said { message } => Some(message.text.as_str()),
        _ => None,
    });
    assert!(said.into_iter().all(|text| !text.contains("0123")));
}

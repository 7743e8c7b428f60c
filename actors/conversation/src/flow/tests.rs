use serde_json::json;

use super::*;

fn flow(fields: &serde_json::Value) -> Result<Flow, Vec<String>> {
    Flow::from_file_json(&json!({ "fields": fields }).to_string())
        .map_err(|error| error.problems.iter().map(ToString::to_string).collect())
}

fn condition(value: serde_json::Value) -> Condition {
    serde_json::from_value(value).expect("a condition")
}

#[test]
fn a_flow_file_needs_ids_and_types_alone() {
    let flow = flow(&json!([
        { "id": "business_name" },
        { "id": "services", "type": "multi-select", "options": ["Web site", { "id": "seo", "label": "SEO" }] },
        { "id": "open", "type": "boolean", "label": "Are you open now?", "required": false },
    ]))
    .expect("a plain flow");
    assert_eq!(flow.id.as_str(), "flw_file");
    let name = &flow.fields[0];
    assert_eq!((name.label.as_str(), name.kind, name.required), ("Business name", FieldType::Text, true));
    assert_eq!(name.prompt, "What is your business name?");
    assert_eq!(flow.fields[1].options[0], Choice { id: "web_site".into(), label: "Web site".into() });
    assert_eq!((flow.fields[2].prompt.as_str(), flow.fields[2].required), ("Are you open now?", false));
}

#[test]
fn a_flow_survives_its_own_json() {
    let flow = flow(&json!([
        { "id": "plan", "type": "select", "options": ["a", "b"] },
        { "id": "size", "type": "number", "when": "plan == a and plan != b" },
        { "id": "why", "when": { "any": [{ "field": "size", "gte": 3 }, { "not": { "field": "size", "answered": true } }] } },
    ]))
    .expect("a plain flow");
    let text = serde_json::to_string(&flow).expect("a flow is plain data");
    assert_eq!(serde_json::from_str::<Flow>(&text).expect("its own JSON"), flow);
    assert_eq!(Flow::from_file_json(&text).expect("its own file"), flow);
}

#[test]
fn problems_come_with_their_path() {
    for (fields, expected) in [
        (json!([]), "fields: a flow asks at least one question"),
        (json!([{ "id": "Web" }]), "fields[0].id: 1 to 64 of a-z"),
        (json!([{ "label": "x" }]), "fields[0].id: is missing"),
        (json!([{ "id": "a" }, { "id": "a" }]), "fields[1].id: this id is taken"),
        (
            json!([{ "id": "a", "type": "colour" }]),
            "fields[0].type: `colour` is no type; known are text, long_text",
        ),
        (json!([{ "id": "a", "lable": "x" }]), "fields[0].lable: unknown member"),
        (json!([{ "id": "a", "required": "yes" }]), "fields[0].required: must be true or false"),
        (json!([{ "id": "a", "label": "" }]), "fields[0].label: must not be empty"),
        (json!([{ "id": "a", "type": "select" }]), "fields[0].options: a choice needs"),
        (json!([{ "id": "a", "type": "select", "options": ["x", "X"] }]), "fields[0].options[1]"),
        (json!([{ "id": "a", "options": ["x"] }]), "fields[0].options: only select"),
        (json!([{ "id": "a", "prompt": "Hi {name}" }]), "fields[0].prompt: unknown variable {name}"),
        (json!([{ "id": "a", "prompt": "Hi {client_name" }]), "fields[0].prompt: a brace is opened"),
        (
            json!([{ "id": "a", "prompt": "{answer:b}" }, { "id": "b" }]),
            "fields[0].prompt: reads `b`, which is not asked earlier",
        ),
        (json!([{ "id": "a", "when": "b == 1" }]), "fields[0].when: reads `b`, which is no field"),
        (json!([{ "id": "a", "when": "has a" }]), "fields[0].when: reads `a`, which is not asked earlier"),
        (
            json!([{ "id": "a" }, { "id": "b", "when": { "all": [{ "field": "a", "gt": 3 }] } }]),
            "fields[1].when.all[0]: compares the size",
        ),
        (
            json!([{ "id": "a" }, { "id": "b", "when": { "any": [{ "field": "a", "gt": "x" }] } }]),
            "fields[1].when.any[0]: `gt` needs a number",
        ),
        (
            json!([{ "id": "a" }, { "id": "b", "when": { "all": ["has a", "not has a"] } }]),
            "fields[1].when: can never hold",
        ),
        (
            json!([{ "id": "a" }, { "id": "b", "when": "a == x and a == y" }]),
            "fields[1].when: can never hold",
        ),
        (
            json!([{ "id": "a", "type": "select", "options": ["x"] }, { "id": "b", "when": "a == z" }]),
            "fields[1].when: `a` can never be \"z\"",
        ),
        (
            json!([{ "id": "a", "type": "number", "validation": { "min": 3.0, "max": 2.0 } }]),
            "fields[0].validation.min: is more than max",
        ),
        (
            json!([{ "id": "a", "type": "date", "validation": { "not_before": "soon" } }]),
            "fields[0].validation.not_before: must be",
        ),
        (json!([{ "id": "a", "validation": { "least": 3 } }]), "fields[0].validation: unknown field `least`"),
    ] {
        let problems = flow(&fields).expect_err("a wrong flow");
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{fields}: {problems:?}");
    }
    assert!(Flow::from_file_json("{").is_err() && Flow::from_file_json("[]").is_err());
}

#[test]
fn a_flow_has_a_bounded_size() {
    let many: Vec<_> = (0..201).map(|at| json!({ "id": format!("f{at}") })).collect();
    assert_eq!(flow(&json!(many)).expect_err("too many"), ["fields: a flow has at most 200 fields"]);
    let options: Vec<_> = (0..101).map(|at| format!("o{at}")).collect();
    let problems = flow(&json!([{ "id": "a", "type": "select", "options": options }])).expect_err("too many");
    assert_eq!(problems, ["fields[0].options: at most 100 options"]);
}

#[test]
fn conditions_may_be_written_in_every_natural_shape() {
    let x = || FieldId::new("x");
    let equals = Condition::Equals { field: x(), value: json!("b") };
    let not = |inner: &Condition| Condition::Not(Box::new(inner.clone()));
    for (written, expected) in [
        (json!({ "field": "x", "equals": "b" }), equals.clone()),
        (json!({ "field": "x", "op": "==", "value": "b" }), equals.clone()),
        (json!({ "field": "x", "value": "b" }), equals.clone()),
        (json!({ "x": "b" }), equals.clone()),
        (json!({ "equals": { "field": "x", "value": "b" } }), equals.clone()),
        (json!("x == b"), equals.clone()),
        (json!("x == 'b'"), equals.clone()),
        (json!("x=b"), equals.clone()),
        (json!("x is b"), equals.clone()),
        (json!("x != 'b'"), not(&equals)),
        (json!("not x == b"), not(&equals)),
        (json!({ "field": "x", "not_equals": "b" }), not(&equals)),
        (json!({ "not": { "x": "b" } }), not(&equals)),
        (
            json!({ "field": "x", "in": ["a", "b"] }),
            Condition::In { field: x(), values: vec![json!("a"), json!("b")] },
        ),
        (json!({ "x": ["a", "b"] }), Condition::In { field: x(), values: vec![json!("a"), json!("b")] }),
        (json!({ "field": "x" }), Condition::Answered { field: x() }),
        (json!("has x"), Condition::Answered { field: x() }),
        (json!({ "field": "x", "answered": false }), not(&Condition::Answered { field: x() })),
        (json!({ "field": "x", "gt": 3 }), Condition::GreaterThan { field: x(), value: 3.0 }),
        (json!("x >= 3"), Condition::AtLeast { field: x(), value: 3.0 }),
        (json!({ "field": "x", "lt": 3 }), Condition::LessThan { field: x(), value: 3.0 }),
        (json!("x<=3"), Condition::AtMost { field: x(), value: 3.0 }),
        (
            json!([{ "x": "b" }, "has x"]),
            Condition::All(vec![equals.clone(), Condition::Answered { field: x() }]),
        ),
        (json!("x == b and has x"), Condition::All(vec![equals.clone(), Condition::Answered { field: x() }])),
        (
            json!("x == b or has x && x == b"),
            Condition::Any(vec![
                equals.clone(),
                Condition::All(vec![Condition::Answered { field: x() }, equals.clone()]),
            ]),
        ),
    ] {
        assert_eq!(condition(written.clone()), expected, "{written}");
    }
    for wrong in [
        json!("x"),
        json!("x ~ 3"),
        json!("x == 'b"),
        json!(3),
        json!({ "field": "x", "almost": 3 }),
        json!({ "field": 3 }),
        json!(""),
    ] {
        assert!(serde_json::from_value::<Condition>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn conditions_compare_answers_in_their_normal_form() {
    let answers = [
        ("plan", AnswerValue::Choice("pro".into())),
        ("services", AnswerValue::Choices(vec!["seo".into(), "ads".into()])),
        ("staff", AnswerValue::Number(3.0)),
        ("budget", AnswerValue::Currency { minor: 50_050, currency: "USD".into() }),
        ("open", AnswerValue::Boolean(true)),
    ];
    let answer = |id: &FieldId| answers.iter().find(|(name, _)| *name == id.as_str()).map(|(_, value)| value);
    for (expression, expected) in [
        ("plan == pro", true),
        ("plan != pro", false),
        ("plan == free", false),
        ("services == seo", true),
        ("services == web", false),
        ("staff == 3", true),
        ("staff > 3", false),
        ("staff >= 3", true),
        ("budget > 500", true),
        ("budget < 500.50", false),
        ("budget <= 500.50", true),
        ("open == true", true),
        ("has plan", true),
        ("has nothing", false),
        ("not has nothing", true),
        ("nothing == 3", false),
        ("nothing != 3", true),
        ("nothing < 3", false),
        ("plan == free or staff == 3", true),
        ("plan == pro and staff == 4", false),
    ] {
        assert_eq!(condition(json!(expression)).holds(&answer), expected, "{expression}");
    }
}

#[test]
fn values_are_settled_to_the_type_of_their_field() {
    let flow = flow(&json!([
        { "id": "open", "type": "boolean" },
        { "id": "plan", "type": "select", "options": [{ "id": "p1", "label": "Pro plan" }] },
        { "id": "a", "when": "open == yes" },
        { "id": "b", "when": { "plan": "pro plan" } },
    ]))
    .expect("a plain flow");
    assert_eq!(flow.fields[2].when, Some(condition(json!({ "open": true }))));
    assert_eq!(flow.fields[3].when, Some(condition(json!({ "plan": "p1" }))));
}

#[test]
fn a_hidden_fields_answer_does_not_count_and_dependents_are_transitive() {
    let flow = flow(&json!([
        { "id": "a", "type": "boolean" },
        { "id": "b", "type": "boolean", "when": "a == yes" },
        { "id": "c", "when": "b == yes" },
        { "id": "d" },
    ]))
    .expect("a plain flow");
    let (yes, no) = (AnswerValue::Boolean(true), AnswerValue::Boolean(false));
    let visible = |a: &AnswerValue| {
        let answer = |id: &FieldId| match id.as_str() {
            "a" => Some(a),
            "b" => Some(&yes),
            _ => None,
        };
        flow.visible(&answer).iter().map(|field| field.id.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(visible(&yes), "a b c d");
    assert_eq!(visible(&no), "a d");
    let dependents: Vec<&str> = flow.depends_on(&FieldId::new("a")).iter().map(|id| id.as_str()).collect();
    assert_eq!(dependents, ["b", "c"]);
}

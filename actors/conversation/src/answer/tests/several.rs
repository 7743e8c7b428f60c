use super::*;
use crate::flow::Flow;

fn form() -> Flow {
    Flow::from_file_json(
        r#"{"fields":[
            {"id":"business_name","label":"Business name"},
            {"id":"website","type":"url"},
            {"id":"email","type":"email"},
            {"id":"phone","label":"Phone","type":"phone"},
            {"id":"budget","type":"currency"},
            {"id":"start","label":"Start date","type":"date"},
            {"id":"size","label":"Team size","type":"number"}
        ]}"#,
    )
    .expect("a plain flow")
}

fn read_all(flow: &Flow, message: &str) -> String {
    let wanted: Vec<Wanted<'_>> = flow.fields.iter().map(|field| Wanted { field, open: true }).collect();
    let found = extract(message, &wanted, false, &context());
    let show = |claim: &Claim| {
        format!(
            "{}={}",
            wanted[claim.field].field.id,
            claim.value.display(&wanted[claim.field].field.options, "en")
        )
    };
    found.iter().map(show).collect::<Vec<_>>().join(" | ")
}

#[test]
fn values_that_speak_for_themselves_and_labelled_ones_are_taken() {
    let flow = form();
    for (message, expected) in [
        ("john@acme.com, 415 555 0100", "email=john@acme.com | phone=(415) 555-0100"),
        ("My website is acme.com and my email is john@acme.com", "website=acme.com | email=john@acme.com"),
        ("website acme.com", "website=acme.com"),
        (
            "Website: acme.com\nPhone: 415-555-0100\nTeam size: 12",
            "website=acme.com | phone=(415) 555-0100 | size=12",
        ),
        ("we're Acme, team size is 12 and our budget is $5k", "size=12 | budget=$5,000"),
        ("Business name: Acme Dental; budget: 500", "business_name=Acme Dental | budget=$500"),
        ("we'd like to start March 5th, around $2,000", "start=Fri, Mar 5, 2027 | budget=$2,000"),
        ("call me at (415) 555-0100", "phone=(415) 555-0100"),
        ("hello there", ""),
        ("thanks.bye", ""),
        ("we have 12 people", "size=12"),
        ("a@b.com or c@d.com", ""),
        ("tomorrow", "start=Sun, Nov 22, 2026"),
        ("I don't have a website", ""),
        ("", ""),
    ] {
        assert_eq!(read_all(&flow, message), expected, "{message:?}");
    }
}

#[test]
fn of_two_phone_fields_only_a_labelled_one_is_taken() {
    let flow = Flow::from_file_json(
        r#"{"fields":[{"id":"office_phone","type":"phone"},{"id":"cell","type":"phone"}]}"#,
    )
    .expect("a plain flow");
    assert_eq!(read_all(&flow, "415 555 0100"), "");
    assert_eq!(read_all(&flow, "my cell is 415 555 0100"), "cell=(415) 555-0100");
    assert_eq!(
        read_all(&flow, "office phone 415 555 0100, cell 415 555 0101"),
        "office_phone=(415) 555-0100 | cell=(415) 555-0101"
    );
}

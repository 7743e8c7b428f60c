//! Departments: who takes a call that asks for one, and whoever takes those that name none.

use anyhow::Result;
use usher::voice::{Department, Provider, VoiceProfile};

use super::{Agency, OFFICE, Office};

const SALES: &str = "+14155550113";
const BILLING: &str = "+14155550114";

fn office(provider: Provider) -> Office {
    let department = |name: &str, to: &str| Department { name: name.to_owned(), to: to.to_owned() };
    let departments = vec![department("Sales", SALES), department("Billing", BILLING)];
    let profile =
        VoiceProfile { departments, warm_transfer: false, ring_seconds: 5, ..Office::default().profile };
    Office { provider, profile, ..Office::default() }
}

/// Nobody answers at this number; the caller comes back.
async fn rings_in_vain(agency: &Agency, number: &str, client: &mut usher_testkit::Phone) -> Result<()> {
    agency.rings(number, 0).await?.does("decline", &serde_json::json!({})).await?;
    client.until("heard:nobody could take your call").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_puts_a_caller_through_to_the_department_they_name_and_others_to_the_office() -> Result<()> {
    let agency = Agency::open(office(Provider::ElevenLabs)).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("Put me through to billing please").await?;
    rings_in_vain(&agency, BILLING, &mut client).await?;
    client.says("Put me through to the warehouse").await?;
    rings_in_vain(&agency, OFFICE, &mut client).await?;
    client.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_put_a_caller_through_by_their_words_or_a_key_and_others_to_the_office() -> Result<()> {
    let agency = Agency::open(office(Provider::Rules)).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("I want to talk to a person").await?;
    client.until("heard:Press 2 or say Billing").await?;
    client.presses("1").await?;
    rings_in_vain(&agency, SALES, &mut client).await?;
    client.says("Can I speak to billing?").await?;
    rings_in_vain(&agency, BILLING, &mut client).await?;
    client.says("Can I speak to sales?").await?;
    let mut again = agency.rings(SALES, 1).await?;
    again.until("status:ringing").await?;
    again.does("decline", &serde_json::json!({})).await?;
    client.until("heard:nobody could take your call").await?;
    client.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    agency.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_department_when_asked_comes_to_the_office() -> Result<()> {
    let agency = Agency::open(office(Provider::Rules)).await?;
    let mut client = agency.called().await?;
    client.until("heard:Which shop").await?;
    client.says("I want to talk to a person").await?;
    client.until("heard:Press 1 or say Sales").await?;
    client.says("The warehouse").await?;
    rings_in_vain(&agency, OFFICE, &mut client).await?;
    client.hangs_up().await?;
    agency.ended("contact_hung_up").await?;
    agency.close().await
}

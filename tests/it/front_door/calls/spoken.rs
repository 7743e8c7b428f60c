//! Calls that the rules hold alone, in the carrier's own voice.

use super::*;

fn by_rules(profile: VoiceProfile) -> Office {
    Office { provider: Provider::Rules, profile, ..Office::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_the_rules_takes_a_line_until_it_is_over() -> Result<()> {
    let agency =
        Agency::open(by_rules(VoiceProfile { max_calls: Some(1), ..VoiceProfile::default() })).await?;
    let mut phone = agency.called().await?;
    phone.until("heard:Which shop?").await?;
    let mut another = Phone::dials(agency.handsets()?, OFFICE, AGENCY).await?;
    another.until("heard:All our lines are busy").await?;
    another.until("status:completed").await?;
    phone.says("Reyes Bakery").await?;
    phone.until("heard:Which town?").await?;
    phone.hangs_up().await?;
    phone.until("status:completed").await?;
    agency.ended("contact_hung_up").await?;
    let mut next = Phone::dials(agency.handsets()?, OFFICE, AGENCY).await?;
    next.until("heard:Which shop?").await?;
    next.hangs_up().await?;
    next.until("status:completed").await?;
    agency.close().await
}

//! The engine's view of a session in the widget's wire types.

use usher_actors::Handled;
use usher_channels::widget::{
    AnswerView, ChoiceView, ClientView, ConfirmView, FieldView, Limits, LiveView, ProgressView, QuestionView,
    ResponseReply, ServiceView, SessionHead, SessionResponse, ThemeView, TranscriptLine, VoiceConfig,
};
use usher_conversation::flow::Validation;
use usher_conversation::id::{OrgId, SessionId};
use usher_conversation::journal::Turn;
use usher_conversation::ports::{Journal, StoreError};
use usher_conversation::session::{Reply, SessionMeta, SessionState, reply_of, reply_to_nothing};
use usher_conversation::view::{self, SessionView, transcript_of};

use crate::catalog::Service;
use crate::tenancy::Organisation;

/// Turns read from the journal at one time.
const PAGE: u32 = 500;

/// The whole session, for a page that opens.
pub fn session(
    handled: &Handled,
    org: &Organisation,
    services: &[Service],
    transcript: Vec<TranscriptLine>,
    voice_config: Option<VoiceConfig>,
) -> SessionResponse {
    let live = live(&handled.meta, &handled.state);
    SessionResponse {
        session: live.session,
        client: ClientView {
            name: handled.meta.contact_name.clone(),
            org_name: handled.meta.org_name.clone(),
        },
        services: services
            .iter()
            .map(|service| ServiceView {
                id: service.id.to_string(),
                name: service.offer.name.clone(),
                description: service.offer.description.clone(),
            })
            .collect(),
        fields: live.fields,
        current_question: live.current_question,
        progress: live.progress,
        transcript,
        next_steps: live.next_steps,
        theme: ThemeView { accent: Some(org.theme.accent.clone()) },
        voice_config,
    }
}

/// The part that turns change.
pub fn live(meta: &SessionMeta, state: &SessionState) -> LiveView {
    let view = SessionView::of(meta, state);
    LiveView {
        session: SessionHead {
            id: view.session.id.to_owned(),
            status: view.session.status.into(),
            seq: view.session.seq,
            locale: view.session.locale.to_owned(),
            created_at: view.session.created_at.to_string(),
            flow_version: view.session.flow_version,
        },
        fields: view.fields.into_iter().map(field).collect(),
        current_question: view.current_question.map(question),
        progress: progress(view.progress),
        next_steps: view.next_steps.to_vec(),
    }
}

fn field(field: view::FieldView<'_>) -> FieldView {
    FieldView {
        id: field.id.to_string(),
        label: field.label.to_owned(),
        prompt: field.prompt.into_owned(),
        help: field.help.map(str::to_owned),
        kind: field.kind.into(),
        required: field.required,
        options: field
            .options
            .iter()
            .map(|choice| ChoiceView { id: choice.id.clone(), label: choice.label.clone() })
            .collect(),
        validation: limits(field.validation),
        confirm: field.confirm,
        sensitive: field.sensitive,
        visible: field.visible,
        answer: field.answer.map(|answer| AnswerView {
            value: answer.value.unwrap_or_default(),
            display: answer.display,
            raw: answer.raw.to_owned(),
            channel: answer.channel.into(),
            at: answer.at.to_string(),
        }),
        skipped: field.skipped,
    }
}

fn limits(validation: &Validation) -> Limits {
    Limits {
        min_length: validation.min_length,
        max_length: validation.max_length,
        min: validation.min,
        max: validation.max,
        integer: validation.integer,
        not_before: validation.not_before.clone(),
        not_after: validation.not_after.clone(),
        media_types: validation.media_types.clone(),
        max_bytes: validation.max_bytes,
    }
}

fn question(question: view::QuestionView<'_>) -> QuestionView {
    QuestionView {
        field: question.field.to_string(),
        label: question.label.to_owned(),
        kind: question.kind.into(),
        prompt: question.prompt.into_owned(),
        error: question.error,
        confirm: question
            .confirm
            .map(|waiting| ConfirmView { value: waiting.value, display: waiting.display }),
    }
}

const fn progress(progress: view::Progress) -> ProgressView {
    ProgressView { answered: progress.answered, total: progress.total }
}

/// The lines a turn adds to the conversation.
pub fn lines(turn: &Turn) -> Vec<TranscriptLine> {
    transcript_of(turn)
        .into_iter()
        .map(|line| TranscriptLine {
            seq: line.seq,
            index: line.index,
            from: line.from.into(),
            channel: line.channel.into(),
            text: line.text,
            at: line.at.to_jiff().to_string(),
        })
        .collect()
}

/// The conversation up to and including turn `head`, of all channels.
///
/// # Errors
/// When the journal cannot be read.
pub async fn transcript(
    journal: &impl Journal,
    org: &OrgId,
    session: &SessionId,
    head: u64,
) -> Result<Vec<TranscriptLine>, StoreError> {
    let mut said = Vec::new();
    let mut since = 0;
    while since < head {
        let page = journal.turns(org, session, since, PAGE).await?;
        let Some(last) = page.last() else { break };
        since = last.seq;
        said.extend(page.iter().filter(|turn| turn.seq <= head).flat_map(lines));
    }
    Ok(said)
}

/// What the engine tells the caller of a command.
pub fn told(handled: &Handled) -> Reply {
    match &handled.turn {
        Some(turn) => reply_of(&handled.meta, &handled.state, turn),
        None => reply_to_nothing(&handled.state),
    }
}

/// The answer to an input that was taken.
pub fn reply(handled: &Handled, told: Reply) -> ResponseReply {
    let (meta, state) = (&handled.meta, &handled.state);
    let progress = progress(view::Progress::of(meta, state));
    if told.complete {
        let next_steps = meta.flow.next_steps.clone();
        ResponseReply::Complete { seq: told.seq, next_steps, reply: told.text, progress }
    } else {
        let next_question = view::QuestionView::of(meta, state).map(question);
        ResponseReply::Next { seq: told.seq, next_question, reply: told.text, progress }
    }
}

//! Mails: to files in a folder by default, which anybody can read; by SMTP where a server is set.

use std::{fmt, io::Write as _, path::PathBuf, pin::Pin};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use secrecy::ExposeSecret;
use thiserror::Error;
use uuid::Uuid;

use crate::{db::Executor, error::Cause, jobs::Refused, settings::Settings, state::AppState};

/// Sends mails: the seam at which a test looks at them instead.
pub trait Mailer: fmt::Debug + Send + Sync {
    /// Hands the mail on. `id` is the same when the same mail is sent again.
    fn send(&self, id: Uuid, mail: Message) -> Pin<Box<dyn Future<Output = Result<(), Cause>> + Send + '_>>;
}

/// Why mails cannot be sent. Nothing was started.
#[derive(Debug, Error)]
pub enum MailError {
    /// The address of the SMTP server is not understood.
    #[error("mail.smtp_url is not understood: {0}")]
    Server(#[source] lettre::transport::smtp::Error),
    /// The sender is not an address.
    #[error("mail.from is not an address: {0}")]
    From(#[source] lettre::address::AddressError),
}

/// The mailer that the settings name.
pub(crate) fn mailer(settings: &Settings) -> Result<Box<dyn Mailer>, MailError> {
    settings.mail_from.parse::<Mailbox>().map_err(MailError::From)?;
    Ok(match &settings.mail_smtp_url {
        Some(url) => {
            let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret());
            Box::new(Smtp(transport.map_err(MailError::Server)?.build()))
        }
        None => Box::new(Outbox(settings.mail_outbox.clone())),
    })
}

/// Hands mails to a server: `smtps://` with TLS, `smtp://…?tls=required` with STARTTLS. `smtp://` without, for a server on this
/// machine, is let through by the settings for no other.
struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

impl Mailer for Smtp {
    fn send(&self, _: Uuid, mail: Message) -> Pin<Box<dyn Future<Output = Result<(), Cause>> + Send + '_>> {
        Box::pin(async move {
            match self.0.send(mail).await {
                Ok(_) => Ok(()),
                Err(error) if is_final(&error) => Err(Refused(error.into()).into()),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// Whether the same mail would be refused again. "Permanent" as the codes say it (RFC 5321 §4.2.1), but for those about our own
/// login (RFC 4954 §6): they end as soon as somebody mends the settings, and the mail is then wanted.
fn is_final(error: &lettre::transport::smtp::Error) -> bool {
    let login = error.status().is_some_and(|code| [530, 534, 535, 538].contains(&u16::from(code)));
    error.is_permanent() && !login
}

// ANCHOR: outbox
/// Writes mails into a folder.
#[derive(Debug)]
struct Outbox(PathBuf);

impl Mailer for Outbox {
    fn send(&self, id: Uuid, mail: Message) -> Pin<Box<dyn Future<Output = Result<(), Cause>> + Send + '_>> {
        Box::pin(async move {
            let folder = self.0.clone();
            let written = tokio::task::spawn_blocking(move || {
                std::fs::create_dir_all(&folder)?;
                // Named for the job and put there in one step: sent twice, it is still one mail, and never half of one.
                let mut file = tempfile::NamedTempFile::new_in(&folder)?;
                file.write_all(&mail.formatted())?;
                file.persist(folder.join(format!("{id}.eml")))?;
                Ok::<_, std::io::Error>(())
            });
            Ok(written.await??)
        })
    }
}
// ANCHOR_END: outbox

#[derive(sqlx::FromRow)]
struct RecipientRow {
    name: String,
    email: String,
}

/// Greets a new user.
pub(crate) async fn welcome(state: &AppState, id: Uuid, user: Uuid) -> Result<(), Cause> {
    let recipient: Option<RecipientRow> =
        state.db.query("SELECT name, email FROM users WHERE id = $1").bind(user).fetch_optional().await?;
    // Gone in the meantime: nobody is left to greet.
    let Some(recipient) = recipient else { return Ok(()) };
    let mail = Message::builder()
        .from(state.settings.mail_from.parse()?)
        // As parts and not as a text to be parsed: a name must not be able to add a recipient.
        .to(Mailbox::new(Some(recipient.name.clone()), recipient.email.parse()?))
        .subject("Welcome")
        // The same when it is sent again, so that a server can tell.
        .message_id(Some(format!("<{id}@reference-api>")))
        .date(state.clock.now().into())
        .header(ContentType::TEXT_PLAIN)
        .body(format!("Hello {},\n\nyour account is ready.\n", recipient.name))?;
    state.mailer.send(id, mail).await
}

/**
 * The API of the login: its request and its responses. It knows nothing of LDAP, and clients may import it.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

/** The user who has logged in, and notices for the user. */
export class Welcome extends Schema.Class<Welcome>("Welcome")({
  name: Schema.String,
  mail: Schema.optional(Schema.String),
  /** In days. */
  passwordExpiresIn: Schema.optional(Schema.Number),
  graceLogins: Schema.optional(Schema.Number)
}) {}

/** The name or the password is wrong. The response doesn't say which, since the client may be an attacker. */
export class WrongLogin extends Schema.TaggedError<WrongLogin>()("WrongLogin", {}, { httpApiStatus: 401 }) {}

/** The password was right, and has to be changed. */
export class PasswordToBeChanged
  extends Schema.TaggedError<PasswordToBeChanged>()("PasswordToBeChanged", {}, { httpApiStatus: 403 })
{}

/** The account can't be used: disabled, expired, not at this time or from here. */
export class AccountUnusable
  extends Schema.TaggedError<AccountUnusable>()("AccountUnusable", {}, { httpApiStatus: 403 })
{}

/** The directory could not be asked. Try again later. */
export class TryAgainLater extends Schema.TaggedError<TryAgainLater>()("TryAgainLater", {}, { httpApiStatus: 503 }) {}

export class Sessions extends HttpApiGroup.make("sessions").add(
  HttpApiEndpoint.post("create", "/sessions", {
    payload: Schema.Struct({
      login: Schema.String,
      password: Schema.RedactedFromValue(Schema.String)
    }),
    success: Welcome,
    error: [WrongLogin, PasswordToBeChanged, AccountUnusable, TryAgainLater]
  })
) {}

export class Api extends HttpApi.make("login").add(Sessions) {}

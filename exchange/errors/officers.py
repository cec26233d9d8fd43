"""Who may act at a desk or at the auditor's console: accounts, sessions, rights, and what stops a stranger."""

from exchange.errors import ExchangeError, ExitCode, Side


class OfficersError(ExchangeError):
    """The branch of everything about officers' accounts and sessions."""

    exit_code = ExitCode.NOT_AUTHORISED


class LoginNeededError(OfficersError):
    """No session, or one that has run out or was ended."""

    code = "login-needed"
    en = "nobody is signed in, or the session has ended"
    ru = "вход не выполнен или сеанс завершён"
    mend_en = "sign in again"
    mend_ru = "войдите снова"


class LoginRefusedError(OfficersError):
    """A login that does not hold; the answer never says which part of it."""

    code = "login-refused"
    en = "this login does not hold"
    ru = "вход отклонён"
    mend_en = "begin again with a passkey that this desk knows; an administrator can let a new one be enrolled"
    mend_ru = "начните снова с ключом доступа, известным этому рабочему месту; новый допускают администраторы"


class StepUpNeededError(OfficersError):
    """An act that signs, asked for in a session whose last passkey proof is too old."""

    code = "step-up-needed"
    en = "{action} needs a passkey shown within the last {seconds} s"
    ru = "для {action} нужен ключ доступа, предъявленный за последние {seconds} с"
    mend_en = "confirm with your passkey and ask again"
    mend_ru = "подтвердите ключом доступа и повторите"


class RightMissingError(OfficersError):
    """An act that none of the officer's roles allows."""

    code = "right-missing"
    en = "{action} is for {allowed}; this account is {found}"
    ru = "{action} разрешено: {allowed}; роли этой учётной записи: {found}"
    mend_en = "ask an officer of that role"
    mend_ru = "обратитесь к лицу с этой ролью"


class CrossOriginError(OfficersError):
    """A write that does not come from this desk's own pages."""

    code = "cross-origin"
    en = "a write must come from {expected}"
    ru = "запись возможна только со страниц {expected}"
    mend_en = "open the desk itself and repeat the step there"
    mend_ru = "откройте само рабочее место и повторите действие там"


class FormTokenError(OfficersError):
    """A write without the token of its session, or with another's."""

    code = "form-token"
    en = "the form's token is not this session's"
    ru = "метка формы не принадлежит этому сеансу"
    mend_en = "load the page again and repeat the step"
    mend_ru = "загрузите страницу снова и повторите действие"


class RolesExcludedError(OfficersError):
    """Roles that one person must not have together."""

    code = "roles-excluded"
    exit_code = ExitCode.USAGE
    en = "roles {found}: {rule}"
    ru = "роли {found}: {rule}"
    mend_en = "give them to different people"
    mend_ru = "назначьте их разным людям"


class OfficerIdMissingError(OfficersError):
    """An act in an officer's name by an account that has no officer id."""

    code = "officer-id-missing"
    en = "the account {account} has no officer id"
    ru = "у учётной записи {account} нет идентификатора должностного лица"
    mend_en = "two administrators enrol an account with the officer id that the registry lists"
    mend_ru = "два администратора создают учётную запись с идентификатором из реестра"


class OfficerDiffersError(OfficersError):
    """An act in another officer's name."""

    code = "officer-differs"
    en = "signed in as {expected}; this is in the name of {found}"
    ru = "вход выполнен как {expected}; действие от имени {found}"
    mend_en = "sign in as that officer"
    mend_ru = "войдите как это лицо"


class AccountUnknownError(OfficersError):
    """No such account, session, passkey or enrolment here."""

    code = "account-unknown"
    exit_code = ExitCode.USAGE
    en = "no {what} of that name here"
    ru = "здесь нет такого: {what}"


class AccountTakenError(OfficersError):
    """A name, officer id, identity or passkey that belongs to an account already."""

    code = "account-taken"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{what}: belongs to an account already"
    ru = "{what}: уже принадлежит учётной записи"
    mend_en = "name another one"
    mend_ru = "укажите другое"


class EnrolmentRefusedError(OfficersError):
    """An enrolment that cannot be taken: unknown, used, expired, or not yet approved by a second administrator."""

    code = "enrolment-refused"
    en = "this enrolment does not hold"
    ru = "это приглашение недействительно"
    mend_en = "two administrators make a new one"
    mend_ru = "два администратора создают новое"


class SecondAdministratorError(OfficersError):
    """One administrator in the place of two."""

    code = "second-administrator"
    en = "{account} has proposed this enrolment: another administrator approves it"
    ru = "{account} предложил(а) это приглашение: одобряет другой администратор"
    mend_en = "another administrator signs in and approves"
    mend_ru = "другой администратор входит и одобряет"


class AdministratorsFewError(OfficersError):
    """An act that would leave a desk without two administrators."""

    code = "administrators-few"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "a desk keeps {expected} administrators with a passkey; {found} would be left"
    ru = "нужно {expected} администратора с ключом доступа; осталось бы {found}"
    mend_en = "enrol another administrator first"
    mend_ru = "сначала примите ещё одного администратора"


class FoundingOverError(OfficersError):
    """An invitation from the command line at a desk that has its two administrators."""

    code = "founding-over"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{member} has its two administrators: they enrol everybody else"
    ru = "у {member} есть два администратора: остальных принимают они"
    mend_en = "an administrator proposes the enrolment at the desk, another approves it"
    mend_ru = "администратор предлагает приглашение на рабочем месте, другой одобряет"


class StatementStaleError(OfficersError):
    """A proof for a statement that this desk did not just ask this officer for."""

    code = "statement-stale"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{subject}: this statement was not asked for within the last {seconds} s, or was used already"
    ru = "{subject}: это заявление не запрашивалось за последние {seconds} с или уже использовано"
    mend_en = "open the page again and confirm anew"
    mend_ru = "откройте страницу снова и подтвердите заново"


class ConsoleUnsafeError(OfficersError):
    """A setting under which officers must not sign in."""

    code = "console-unsafe"
    side = Side.NODE
    exit_code = ExitCode.USAGE
    en = "setting {setting}: {reason}"
    ru = "параметр {setting}: {reason}"
    mend_en = "correct it in node.toml; only a demonstration may be without it"
    mend_ru = "исправьте в node.toml; без этого может работать только демонстрация"

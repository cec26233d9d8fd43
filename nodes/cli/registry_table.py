"""The commands about keys and the registry: rows of `nodes.cli.table`."""

from nodes.cli.command import Command

REGISTRY_COMMANDS: tuple[Command, ...] = (
    Command(
        "key new",
        "nodes.custody.key_commands:new",
        "make private keys, in files or a token",
        "создать закрытые ключи, в файлах или токене",
    ),
    Command(
        "key show",
        "nodes.custody.key_commands:show",
        "a key's public half, and words to compare",
        "открытая половина ключа и слова для сверки",
    ),
    Command(
        "key apply",
        "nodes.custody.key_apply:apply",
        "ask that keys be listed, with proof of possession",
        "заявка на внесение ключей с доказательством владения",
    ),
    Command(
        "key use",
        "nodes.custody.key_commands:use",
        "take the next keys into use",
        "ввести следующие ключи в действие",
    ),
    Command(
        "key passwd",
        "nodes.custody.key_commands:passwd",
        "seal private keys under a new passphrase",
        "зашифровать закрытые ключи новой парольной фразой",
    ),
    Command(
        "trust show",
        "nodes.custody.trust_show:show",
        "who may do what, since when, and what expires next",
        "кто что вправе делать, с каких пор и что истекает",
    ),
    Command(
        "trust propose",
        "nodes.custody.trust_propose:propose",
        "propose a change of the registry",
        "предложить изменение реестра",
    ),
    Command(
        "trust sign",
        "nodes.custody.trust_commands:sign",
        "sign a change of the registry, offline",
        "подписать изменение реестра, без сети",
    ),
    Command(
        "trust import",
        "nodes.custody.trust_commands:take",
        "bring in signatures made elsewhere",
        "принять подписи, сделанные на других машинах",
    ),
    Command(
        "trust status",
        "nodes.custody.trust_commands:status",
        "what a change does, and whose signatures it lacks",
        "что делает изменение и чьих подписей не хватает",
    ),
    Command(
        "trust apply",
        "nodes.custody.trust_commands:apply",
        "put a signed change into the registry's folder",
        "внести подписанное изменение в папку реестра",
    ),
    Command(
        "trust publish",
        "nodes.custody.trust_commands:publish",
        "publish what was applied, as a registrar",
        "опубликовать применённое, как регистратор",
    ),
    Command(
        "trust renew",
        "nodes.custody.trust_commands:renew",
        "confirm the registry for another week, as a registrar",
        "подтвердить реестр ещё на неделю, как регистратор",
    ),
    Command(
        "trust confirm",
        "nodes.gateway.registry_commands:confirm",
        "confirm who may change this member's keys",
        "подтвердить, кто вправе менять ключи участника",
    ),
    Command(
        "key list", "nodes.custody.key_commands:listing", "which private keys there are", "какие закрытые ключи есть"
    ),
)

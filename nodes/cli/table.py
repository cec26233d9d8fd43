"""Every command: its words, the function that runs it, and one line of help in each language.

The function is named as `module:function` and imported only when called, so that `exchange verify` starts without a
web framework and `exchange bundle build` without a network library.
"""

from nodes.cli.audit_table import AUDIT_COMMANDS
from nodes.cli.command import Command
from nodes.cli.registry_table import REGISTRY_COMMANDS

COMMANDS: tuple[Command, ...] = (
    Command(
        "demo",
        "nodes.demo.commands:demo",
        "run the whole federation here, once through",
        "показать всю федерацию на этой машине",
    ),
    Command(
        "demo up",
        "nodes.demo.commands:up",
        "found the demo federation and start its processes",
        "создать и запустить демонстрационную федерацию",
    ),
    Command(
        "demo run",
        "nodes.demo.commands:run",
        "play the story on the running federation",
        "проиграть историю на работающей федерации",
    ),
    Command(
        "demo status",
        "nodes.demo.commands:status",
        "what runs, and at which addresses",
        "что запущено и по каким адресам",
    ),
    Command(
        "demo console",
        "nodes.demo.consoles:console",
        "two desks and the auditor's console, for a browser",
        "два рабочих места и консоль аудитора для браузера",
    ),
    Command("demo down", "nodes.demo.commands:down", "stop the demo's processes", "остановить процессы демонстрации"),
    Command(
        "init",
        "nodes.cli.init:init",
        "make a member's node folder",
        "создать папку узла участника",
    ),
    Command("serve", "nodes.gateway.serve:serve", "run the member's gateway", "запустить шлюз участника"),
    Command(
        "serve all",
        "nodes.cli.together:serve_all",
        "run gateway and desk of a small machine together",
        "запустить шлюз и рабочее место на одной машине",
    ),
    Command(
        "desk serve",
        "nodes.desk.serve:serve",
        "run the member's desk for its officers",
        "запустить рабочее место должностных лиц",
    ),
    Command(
        "desk invite",
        "nodes.desk.serve:invite",
        "a code for one of a desk's first two administrators",
        "код для одного из двух первых администраторов рабочего места",
    ),
    Command(
        "desk journal",
        "nodes.desk.journal_commands:journal",
        "who signed in at the desk, who let whom in, what was refused",
        "кто входил на рабочее место, кто кого допустил, что отклонено",
    ),
    Command(
        "health",
        "nodes.cli.health:health",
        "whether the own gateway is well, or why not",
        "исправен ли свой шлюз, и если нет, почему",
    ),
    Command(
        "doctor",
        "nodes.gateway.doctor_commands:doctor",
        "is the node well, and the path to each partner and back",
        "исправен ли узел и путь к каждому партнёру и обратно",
    ),
    Command(
        "errors",
        "nodes.cli.errors:errors",
        "what a code means, who can mend it, and how",
        "что значит код ошибки, кто и как её устраняет",
    ),
    Command(
        "version",
        "nodes.cli.version:version",
        "which program this is, and the numbers of its formats",
        "какая это программа и номера её форматов",
    ),
    Command(
        "contract check", "nodes.desk.contract_commands:check", "check contract files", "проверить файлы договоров"
    ),
    Command(
        "contract show",
        "nodes.desk.contract_commands:show",
        "a contract in people's words",
        "договор понятными словами",
    ),
    Command(
        "contract sign",
        "nodes.desk.contract_life_commands:sign",
        "sign a contract for the member",
        "подписать договор от имени участника",
    ),
    Command(
        "contract diff",
        "nodes.desk.contract_commands:diff",
        "what changed between two versions, and what that does",
        "что изменилось между двумя версиями и что это значит",
    ),
    Command(
        "contract suspend",
        "nodes.desk.contract_life_commands:suspend",
        "stop a contract at once, until resumed",
        "сразу приостановить договор до возобновления",
    ),
    Command(
        "contract resume",
        "nodes.desk.contract_life_commands:resume",
        "take back the member's own suspension",
        "снять собственную приостановку",
    ),
    Command(
        "contract end",
        "nodes.desk.contract_life_commands:end",
        "end a contract, after its notice",
        "прекратить договор, с уведомлением в срок",
    ),
    Command(
        "contract status",
        "nodes.desk.contract_commands:status",
        "who signed, what is in force",
        "кто подписал и что действует",
    ),
    Command(
        "contract export",
        "nodes.desk.contract_export_commands:export",
        "a contract as SDMX 3.0 structures, or as a page to print",
        "договор как структуры SDMX 3.0 или как страница для печати",
    ),
    Command(
        "contract import",
        "nodes.desk.contract_import_commands:import_odcs",
        "a draft from a plain ODCS file, and the terms it lacks",
        "черновик из обычного файла ODCS и недостающие условия",
    ),
    Command(
        "contract calendar",
        "nodes.desk.contract_calendar_commands:calendar",
        "what is due, by whom, to whom, when",
        "что, от кого, кому и когда требуется",
    ),
    Command(
        "contract codes",
        "nodes.desk.contract_codes_commands:codes",
        "the codes of a list, and what became of older ones",
        "коды справочника и что стало с прежними",
    ),
    Command(
        "bundle build",
        "nodes.preparation.commands:build",
        "aggregate and protect a register extract",
        "агрегировать и защитить выписку из регистра",
    ),
    Command(
        "bundle advise",
        "nodes.preparation.advice_commands:advise",
        "what each breakdown costs, before anything is withheld",
        "цена каждого разреза до того, как что-либо скрыто",
    ),
    Command(
        "bundle submit",
        "nodes.desk.bundle_commands:submit",
        "put a candidate before the clearing officers",
        "передать кандидата на согласование",
    ),
    Command(
        "bundle diff",
        "nodes.desk.bundle_commands:diff",
        "what would leave, against the last release",
        "что покинет страну по сравнению с прошлым выпуском",
    ),
    Command(
        "bundle release",
        "nodes.desk.bundle_commands:release",
        "seal a cleared candidate and publish it",
        "опечатать согласованного кандидата и опубликовать",
    ),
    Command(
        "clearance approve",
        "nodes.desk.clearance_commands:approve",
        "approve exactly these bytes",
        "одобрить именно эти байты",
    ),
    Command(
        "clearance statement",
        "nodes.desk.clearance_commands:statement",
        "what an officer's passkey is asked to approve",
        "что одобряет должностное лицо ключом доступа",
    ),
    Command(
        "clearance return",
        "nodes.desk.clearance_commands:send_back",
        "return a candidate with a reason",
        "вернуть кандидата с указанием причины",
    ),
    Command(
        "clearance show",
        "nodes.desk.clearance_commands:show",
        "table and digest words of a candidate",
        "таблица и слова дайджеста кандидата",
    ),
    Command(
        "clearance print",
        "nodes.desk.sheet_commands:print_sheet",
        "what would leave the country, on paper",
        "что покинет страну, на бумаге",
    ),
    Command(
        "clearance list",
        "nodes.desk.clearance_commands:listing",
        "candidates and their states",
        "кандидаты и их состояния",
    ),
    Command(
        "passkey ask",
        "nodes.desk.passkey_commands:ask",
        "begin an application for an officer's passkey",
        "начать заявку на ключ доступа должностного лица",
    ),
    Command(
        "passkey apply",
        "nodes.desk.passkey_commands:apply",
        "write the application that a passkey answered",
        "записать заявку с ответом ключа доступа",
    ),
    Command(
        "withdrawal propose",
        "nodes.desk.withdrawal_commands:propose",
        "propose to take a published bundle back",
        "предложить отозвать опубликованный набор",
    ),
    Command(
        "withdrawal approve",
        "nodes.desk.withdrawal_commands:approve",
        "approve a proposed withdrawal",
        "одобрить предложенный отзыв",
    ),
    Command(
        "withdrawal release",
        "nodes.desk.withdrawal_commands:release",
        "sign an approved withdrawal and publish it",
        "подписать одобренный отзыв и опубликовать",
    ),
    Command(
        "withdrawal list",
        "nodes.desk.withdrawal_commands:listing",
        "withdrawals and their states",
        "отзывы и их состояния",
    ),
    Command(
        "withdrawal look",
        "nodes.gateway.withdrawal_commands:look",
        "what a partner took back, acknowledged",
        "что отозвал партнёр, с подтверждением",
    ),
    Command(
        "catalogue",
        "nodes.gateway.commands:catalogue",
        "what a partner offers this member",
        "что партнёр предлагает этому участнику",
    ),
    Command(
        "pull",
        "nodes.gateway.commands:pull",
        "pull, verify and receipt a partner's bundle",
        "получить, проверить и подтвердить набор партнёра",
    ),
    Command(
        "mirror show",
        "nodes.desk.mirror_commands:show",
        "both sides' reports of each flow, side by side",
        "данные обеих сторон о каждом потоке рядом",
    ),
    Command(
        "mirror model",
        "nodes.desk.mirror_commands:model",
        "what the ratio of both reports should be, learnt from earlier ones",
        "каким должно быть отношение данных двух сторон, по прежним данным",
    ),
    Command("log show", "nodes.gateway.log_commands:show", "entries of the own log", "записи своего журнала"),
    Command(
        "log checkpoint",
        "nodes.gateway.log_commands:checkpoint",
        "the published checkpoint, and who cosigned it",
        "опубликованная контрольная точка и кто её заверил",
    ),
    Command(
        "log prove",
        "nodes.gateway.log_commands:prove",
        "a proof that an entry is in the own log",
        "доказательство, что запись есть в своём журнале",
    ),
    Command(
        "log end",
        "nodes.gateway.log_commands:end",
        "close the own log, once the registry names the next one",
        "закрыть свой журнал, когда реестр назвал следующий",
    ),
    Command(
        "log recover",
        "nodes.gateway.log_commands:recover",
        "refetch what a restored backup lacks of the log",
        "получить то, чего в журнале нет после резервной копии",
    ),
    Command("verify", "nodes.cli.verify:verify", "verify a bundle offline", "проверить набор без сети"),
    *AUDIT_COMMANDS,
    *REGISTRY_COMMANDS,
    Command(
        "sdc protect",
        "nodes.preparation.sdc_commands:protect",
        "withhold enough cells of a statistician's table",
        "скрыть достаточно ячеек таблицы",
    ),
    Command(
        "sdc audit",
        "nodes.preparation.sdc_commands:audit",
        "what an attacker can compute of withheld cells",
        "что атакующий может вычислить о скрытых ячейках",
    ),
    Command(
        "sdc advise",
        "nodes.preparation.sdc_commands:advise_release",
        "which breakdown costs most, before anything is withheld",
        "какой разрез обходится дороже всего",
    ),
    Command(
        "sdc round",
        "nodes.preparation.sdc_commands:round_counts",
        "round counts instead of withholding them",
        "округлить счётные данные вместо сокрытия",
    ),
    Command(
        "sdc pattern",
        "nodes.preparation.sdc_commands:pattern",
        "which withheld cells follow by sums alone, without figures",
        "какие скрытые ячейки следуют из сумм, без чисел",
    ),
)


def find(words: list[str]) -> tuple[Command, list[str]] | None:
    """The command that the words begin with (the longest match), and the words that remain."""
    for length in (2, 1):
        wanted = " ".join(words[:length])
        for command in COMMANDS:
            if command.words == wanted and len(words) >= length:
                return command, words[length:]
    return None


def group(word: str) -> tuple[Command, ...]:
    """The commands that begin with this word and have a second one."""
    return tuple(command for command in COMMANDS if command.words.startswith(f"{word} "))

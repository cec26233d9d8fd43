"""The commands of the auditor: rows of `nodes.cli.table`."""

from nodes.cli.command import Command

AUDIT_COMMANDS: tuple[Command, ...] = (
    Command(
        "audit serve",
        "nodes.auditor.pages.serve:serve",
        "run the auditor's console",
        "запустить рабочее место аудитора",
    ),
    Command(
        "audit invite",
        "nodes.auditor.pages.serve:invite",
        "a code for one of the console's first two administrators",
        "код для одного из двух первых администраторов",
    ),
    Command(
        "audit journal",
        "nodes.auditor.journal_commands:journal",
        "who signed in at the auditor's console, what was refused",
        "кто входил на рабочее место аудитора, что отклонено",
    ),
    Command(
        "audit run",
        "nodes.auditor.commands:run",
        "audit every log and every exchange",
        "проверить все журналы и обмены",
    ),
    Command(
        "audit findings", "nodes.auditor.commands:findings", "what the last audit found", "что нашла последняя проверка"
    ),
    Command(
        "audit show",
        "nodes.auditor.commands:show",
        "one exchange: both sides' entries in order of time",
        "один обмен: записи обеих сторон по времени",
    ),
    Command(
        "audit evidence",
        "nodes.auditor.evidence_commands:evidence",
        "an evidence file for a finding",
        "файл доказательства для замечания",
    ),
    Command(
        "audit verify",
        "nodes.auditor.evidence_commands:verify",
        "verify an evidence file or a report offline",
        "проверить файл доказательства или отчёт без сети",
    ),
    Command(
        "audit report",
        "nodes.auditor.report_commands:report",
        "the last audit as a signed report",
        "последний аудит как подписанный отчёт",
    ),
)

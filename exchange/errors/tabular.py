"""Table instances and publications of `exchange sdc`: what is wrong with the input, where, and how to mend it.

A sentence names files, lines, columns, codes and cells, never a figure.
"""

from exchange.errors import ExchangeError, ExitCode


class TabularError(ExchangeError):
    """The branch of everything that a table instance or its publication is refused for."""

    exit_code = ExitCode.USAGE


class InstanceFieldError(TabularError):
    """A member of instance.json is missing or says something that it cannot say."""

    code = "instance-malformed"
    en = "{file}: {field}: expected {expected}, found {found}"
    ru = "{file}: {field}: ожидалось {expected}, найдено {found}"
    mend_en = "correct {field}; the format is described in docs/DISCLOSURE.md"
    mend_ru = "исправьте {field}; формат описан в docs/DISCLOSURE.md"


class HierarchyCycleError(TabularError):
    """A code stands below itself."""

    code = "hierarchy-cycle"
    en = "{file}: dims.{dimension}: {cell} is a part of itself"
    ru = "{file}: dims.{dimension}: {cell} является частью самого себя"
    mend_en = "list under each code only codes that lie below it"
    mend_ru = "перечислите под каждым кодом только нижестоящие коды"


class TableFieldError(TabularError):
    """A field of the table is no code or number in the form asked for."""

    code = "table-field-malformed"
    en = "{file}, line {line}, column {column}: expected {expected}, found {found}"
    ru = "{file}, строка {line}, столбец {column}: ожидалось {expected}, найдено {found}"
    mend_en = "correct the file; one row a cell, numbers with a point and no separator"
    mend_ru = "исправьте файл; одна строка на ячейку, числа с точкой и без разделителей"


class UnknownCellCodeError(TabularError):
    """The table names a code that the hierarchy does not have."""

    code = "cell-code-unknown"
    en = (
        "{file}, line {line}, column {column}: expected a code of this dimension, found {found}; lines like it: {count}"
    )
    ru = "{file}, строка {line}, столбец {column}: ожидался код этого измерения, найдено {found}; таких строк: {count}"
    mend_en = "add the code to the hierarchy in instance.json, under the whole that it is a part of, or correct the row"
    mend_ru = "добавьте код в иерархию в instance.json под его целым или исправьте строку"


class CellTwiceError(TabularError):
    """The table has two rows of one cell."""

    code = "cell-twice"
    en = "{file}, line {line}: expected each cell once, found {cell} again after line {first}"
    ru = "{file}, строка {line}: каждая ячейка ожидалась один раз, {cell} повторяет строку {first}"
    mend_en = "keep one row of the cell"
    mend_ru = "оставьте одну строку этой ячейки"


class CellMissingError(TabularError):
    """A cell that is not empty has no row."""

    code = "cell-missing"
    en = "{file}: expected a row of {cell}, {reason}, found none; cells missing so: {count}"
    ru = "{file}: ожидалась строка {cell}, {reason}, не найдена; таких ячеек: {count}"
    mend_en = "add the rows; only a combination that is empty may be left out"
    mend_ru = "добавьте строки; пропустить можно только пустое сочетание"


class InstanceNotAdditiveError(TabularError):
    """The figures contradict the hierarchy."""

    code = "instance-not-additive"
    en = (
        "{file}: expected every whole to be the sum of its parts, found {count} not: {examples}; "
        "rows with a code of no hierarchy: {strange}"
    )
    ru = (
        "{file}: каждое целое должно быть суммой своих частей, нарушений: {count}: {examples}; "
        "строк с кодом вне иерархий: {strange}"
    )
    mend_en = "correct the figures or the hierarchy, and try again: a table that contradicts itself cannot be protected"
    mend_ru = "исправьте числа или иерархию и повторите: таблицу, которая противоречит себе, защитить нельзя"


class PublicationContradictsError(TabularError):
    """The publication was made from another instance."""

    code = "publication-contradicts"
    en = "{file}, line {line}: expected the instance's figure of {cell}, found another; lines like it: {count}"
    ru = "{file}, строка {line}: ожидалось число, которое даёт таблица для {cell}, найдено другое; таких строк: {count}"
    mend_en = "audit a publication with the instance that it was made from"
    mend_ru = "проверяйте публикацию с той таблицей, из которой она сделана"


class NotCountsError(TabularError):
    """Rounding of magnitudes was asked for."""

    code = "rounding-needs-counts"
    en = '{file}: rounding expects counts ("integer": true), found figures that are not declared whole'
    ru = '{file}: для округления нужны счётные данные ("integer": true), числа не объявлены целыми'
    mend_en = "withhold cells of magnitudes instead: exchange sdc protect"
    mend_ru = "для величин скрывайте ячейки: exchange sdc protect"


class RoundingTablesError(TabularError):
    """Small-count rounding of linked tables was asked for."""

    code = "rounding-needs-one-table"
    en = "{name}: small-count rounding expects cells that are all sums of the same inner cells, found linked tables"
    ru = "{name}: округление малых чисел требует общих внутренних ячеек, найдены связанные таблицы"
    mend_en = "round each table by itself only if nobody holds two, or use the controlled method"
    mend_ru = "используйте контролируемое округление"


class RoundingInfeasibleError(TabularError):
    """Multiples of this base cannot be additive so near to the figures."""

    code = "rounding-infeasible"
    exit_code = ExitCode.DISCLOSURE_BLOCKS
    en = "{name}: expected multiples of {base} within {base} of every figure and additive, found that there are none"
    ru = "{name}: требуются кратные {base}, ближе {base} к каждому числу и аддитивные; таких нет"
    mend_en = "choose another base, release fewer linked tables, or use the small-count method"
    mend_ru = "выберите другую базу, меньше связанных таблиц или метод малых чисел"


class RoundingUnfinishedError(TabularError):
    """The search ended at its limit of work."""

    code = "rounding-unfinished"
    exit_code = ExitCode.DISCLOSURE_BLOCKS
    en = "{name}: expected a controlled rounding to base {base} within the search's work, found none"
    ru = "{name}: контролируемое округление с базой {base} не найдено в пределах отведённого поиска"
    mend_en = "choose another base, or use the small-count method"
    mend_ru = "выберите другую базу или метод малых чисел"


class NoSafeSuppressionError(TabularError):
    """Even with everything withheld that may be withheld, the cell could be computed."""

    code = "instance-not-protectable"
    exit_code = ExitCode.DISCLOSURE_BLOCKS
    en = "{name}: expected a set of withheld cells that protects {cell} against {attacker}, found that there is none"
    ru = "{name}: нужен набор скрытых ячеек, который защищает {cell} от атакующего ({attacker}); такого нет"
    mend_en = "release less: exchange sdc advise shows what each breakdown costs"
    mend_ru = "выпускайте меньше: exchange sdc advise покажет цену каждого разреза"


class SuppressionUnsafeError(TabularError):
    """The audit does not agree with the pattern that was found, or did not end."""

    code = "suppression-unsafe"
    exit_code = ExitCode.DISCLOSURE_BLOCKS
    en = "{name}: {count} withheld cells are not proved safe, for example {cell}: {reason}; nothing was written"
    ru = "{name}: безопасность не доказана для {count} скрытых ячеек, например {cell}: {reason}; ничего не записано"
    mend_en = "release less: exchange sdc advise shows what each breakdown costs"
    mend_ru = "выпускайте меньше: exchange sdc advise покажет цену каждого разреза"


class InstanceFileError(TabularError):
    """A path was mistyped, or a file of the instance was not copied."""

    code = "instance-file-absent"
    en = "{path}: expected a file of an instance or a publication, found none"
    ru = "{path}: ожидался файл таблицы или публикации, не найден"
    mend_en = "name the folder that holds instance.json and cells.csv, and the publication's file"
    mend_ru = "укажите папку с instance.json и cells.csv и файл публикации"


class RoundingExposedError(TabularError):
    """The rounded table pins small counts down."""

    code = "rounding-exposed"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{name}: {count} small counts can be computed from the rounded table, for example {cell}; nothing was written"
    ru = "{name}: из округлённой таблицы вычисляются малые числа: {count}, например {cell}; ничего не записано"
    mend_en = "take a larger base, or release less"
    mend_ru = "возьмите большую базу или выпускайте меньше"

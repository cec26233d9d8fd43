"""A contract as SDMX 3.0 structures, in pysdmx's model: what another office's SDMX tools need to read its data.csv.

Concept scheme, code lists, data structure, dataflow, data constraints, provider scheme and one provision agreement a
provider. Dataflow and data structure bear the contract's id and version, so that STRUCTURE_ID of data.csv names them.

Source: SDMX 3.0 section 2 (information model), section 6 (urn), SDMX-ML 3.0 and SDMX-JSON 2.0 structure messages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias

from pysdmx.model import (
    Agency,
    Annotation,
    Code,
    Codelist,
    Components,
    Concept,
    ConceptScheme,
    ConstraintAttachment,
    CubeKeyValue,
    CubeRegion,
    CubeValue,
    DataConstraint,
    Dataflow,
    DataProvider,
    DataStructureDefinition,
    DataType,
    ProvisionAgreement,
    Role,
)
from pysdmx.model.organisation import AgencyScheme, DataProviderScheme

from exchange.codes import CodeList, Labels
from exchange.contract import model
from exchange.contract.levels import PROVIDER_SCOPE
from exchange.contract.model import TOTAL, DataContract, Dimension
from exchange.sdmx.structure import AGENCY
from exchange.sdmx.structures_components import coded, measure, period, salt
from exchange.sdmx.structures_labels import RELEASE_SALT, column_labels, party_labels
from exchange.sdmx.structures_urn import LIST_VERSION, Urn, list_id, urn

Artefact: TypeAlias = (
    AgencyScheme
    | DataProviderScheme
    | ConceptScheme
    | Codelist
    | DataStructureDefinition
    | Dataflow
    | DataConstraint
    | ProvisionAgreement
)


_TOTAL_LABELS: Labels = {"en": "Total", "ru": "Всего"}


@dataclass(frozen=True, slots=True)
class ContractStructures:
    """The artefacts, and what pysdmx's model has no place for: names in several languages, and the tree of the codes.

    Attributes:
        contract: Whose structures these are.
        artefacts: In the order in which the formats list them.
        labels: The names of artefacts and items by URN; those not here have the one name that the artefact holds.
        parents: The parent's id by URN of the code.
    """

    contract: DataContract
    artefacts: tuple[Artefact, ...]
    labels: Mapping[Urn, Labels]
    parents: Mapping[Urn, str]


def contract_structures(contract: DataContract) -> ContractStructures:
    """The SDMX structures of one version of a contract."""
    builder = _Builder(contract)
    return ContractStructures(contract, tuple(builder.artefacts()), builder.labels, builder.parents)


class _Builder:
    """Builds the artefacts of one contract and gathers the names beside them."""

    def __init__(self, contract: DataContract) -> None:
        self._contract = contract
        self._identity = f"{contract.id}({contract.version})"
        self._columns = column_labels(contract)
        self._parties = party_labels(contract)
        self.labels: dict[Urn, Labels] = {}
        self.parents: dict[Urn, str] = {}

    def artefacts(self) -> Iterator[Artefact]:
        providers = self._providers()
        lists = self._code_lists()
        concepts = self._concepts()
        structure = self._structure(concepts, lists)
        yield self._agencies()
        yield providers
        yield from lists.values()
        yield concepts
        yield structure
        yield self._dataflow()
        yield self._allowed(None)
        for member in self._contract.members(model.Role.PROVIDER):
            yield self._agreement(member)
            if any(dimension.scope == PROVIDER_SCOPE for dimension in self._contract.dimensions):
                yield self._allowed(member)

    def _agencies(self) -> AgencyScheme:
        identity = "AGENCIES(1.0)"
        agency = Agency(id=AGENCY, name="Exchange", urn=urn("Agency", identity, AGENCY, agency="SDMX"))
        return AgencyScheme(
            agency="SDMX", urn=urn("AgencyScheme", identity, agency="SDMX"), items=[agency], is_partial=True
        )

    def _providers(self) -> DataProviderScheme:
        identity = "DATA_PROVIDERS(1.0)"
        items = []
        for party in self._contract.parties:
            if model.Role.PROVIDER in party.roles:
                name = urn("DataProvider", identity, party.member)
                self.labels[name] = self._parties[party.member]
                items.append(
                    DataProvider(
                        id=party.member, urn=name, name=self.labels[name]["en"], description=party.sender or None
                    )
                )
        return DataProviderScheme(
            agency=AGENCY, urn=urn("DataProviderScheme", identity), items=sorted(items, key=_id), is_partial=True
        )

    def _pinned(self) -> list[CodeList]:
        """Every code list of the contract, each once, in the order of the columns."""
        listed = [dimension.codelist for dimension in self._contract.dimensions]
        listed += [self._contract.attributes[name] for name in sorted(self._contract.attributes)]
        return list({list_id(codelist): codelist for codelist in listed}.values())

    def _code_lists(self) -> dict[str, Codelist]:
        crossed = {list_id(dimension.codelist) for dimension in self._contract.dimensions}
        lists = {list_id(codelist): codelist for codelist in self._pinned()}
        return {name: self._code_list(codelist, crossed=name in crossed) for name, codelist in lists.items()}

    def _code_list(self, codelist: CodeList, *, crossed: bool) -> Codelist:
        """A pinned list; one that a dimension has holds the total too, whether or not this contract uses it.

        So the content hangs on the list alone. Where there is no total, the data constraint says so.
        """
        identity = f"{list_id(codelist)}({LIST_VERSION})"
        codes = []
        for code in codelist.codes:
            name = urn("Code", identity, code.id)
            self.labels[name] = code.labels
            # In SDMX-ML 3.0 the id of a parent begins with a letter, so never `_T`: no parent means under the total.
            if code.parent not in {None, TOTAL}:
                self.parents[name] = str(code.parent)
            codes.append(Code(id=code.id, urn=name, name=code.labels["en"]))
        if crossed and TOTAL not in codelist:
            name = urn("Code", identity, TOTAL)
            self.labels[name] = _TOTAL_LABELS
            codes.insert(0, Code(id=TOTAL, urn=name, name=_TOTAL_LABELS["en"]))
        return Codelist(
            id=list_id(codelist),
            agency=AGENCY,
            version=LIST_VERSION,
            urn=urn("Codelist", identity),
            name=codelist.id.replace("_", " ").capitalize(),
            items=codes,
            annotations=[Annotation(id="digest", type="sha256", title=str(codelist.digest))],
        )

    def _concepts(self) -> ConceptScheme:
        name = urn("ConceptScheme", self._identity)
        self.labels[name] = self._contract.title
        return ConceptScheme(
            id=self._contract.id,
            agency=AGENCY,
            version=self._contract.version,
            urn=name,
            name=self._contract.title["en"],
            items=[self._concept(column) for column in self._columns],
        )

    def _concept(self, column: str) -> Concept:
        name = urn("Concept", self._identity, column)
        self.labels[name] = self._columns[column]
        described = f"Unit: {self._contract.unit}" if column == "OBS_VALUE" else None
        return Concept(id=column, urn=name, name=self.labels[name]["en"], description=described, dtype=DataType.STRING)

    def _structure(self, concepts: ConceptScheme, lists: Mapping[str, Codelist]) -> DataStructureDefinition:
        contract = self._contract
        by_id = {concept.id: concept for concept in concepts.items}
        components = [
            coded(dimension.id, Role.DIMENSION, by_id, lists[list_id(dimension.codelist)])
            for dimension in contract.dimensions
        ]
        components += [period(by_id["TIME_PERIOD"], contract), measure(by_id["OBS_VALUE"], contract)]
        components += [
            coded(column, Role.ATTRIBUTE, by_id, lists[list_id(codelist)])
            for column, codelist in sorted(contract.attributes.items(), reverse=True)
        ]
        components.append(salt(by_id[RELEASE_SALT]))
        name = urn("DataStructure", self._identity)
        self.labels[name] = contract.title
        return DataStructureDefinition(
            id=contract.id,
            agency=AGENCY,
            version=contract.version,
            urn=name,
            name=contract.title["en"],
            components=Components(components),
        )

    def _dataflow(self) -> Dataflow:
        contract = self._contract
        name = urn("Dataflow", self._identity)
        self.labels[name] = contract.title
        crossed = [
            f"{table.id}: {' × '.join(part.dimension for part in table.dimensions)}" for table in contract.tables
        ]
        return Dataflow(
            id=contract.id,
            agency=AGENCY,
            version=contract.version,
            urn=name,
            name=contract.title["en"],
            description=contract.concept.definition,
            structure=urn("DataStructure", self._identity),
            valid_from=_midnight(contract.effective),
            valid_to=None if contract.ends is None else _midnight(contract.ends),
            annotations=[
                Annotation(id="contract", type="sha256", title=str(contract.digest)),
                *(Annotation(id=f"table-{n}", type="table", title=text) for n, text in enumerate(crossed, start=1)),
                Annotation(id="limitations", type="limitations", text=contract.limitations),
            ],
        )

    def _agreement(self, member: str) -> ProvisionAgreement:
        contract = self._contract
        agreement_id = f"{contract.id}-{member}"
        name = urn("ProvisionAgreement", f"{agreement_id}({contract.version})")
        provider = urn("DataProvider", "DATA_PROVIDERS(1.0)", member)
        countries = self.labels[provider]
        self.labels[name] = {
            language: f"{title} ({countries.get(language, countries['en'])})"
            for language, title in contract.title.items()
        }
        return ProvisionAgreement(
            id=agreement_id,
            agency=AGENCY,
            version=contract.version,
            urn=name,
            name=self.labels[name]["en"],
            dataflow=urn("Dataflow", self._identity),
            provider=provider,
        )

    def _allowed(self, provider: str | None) -> DataConstraint:
        """The codes that the tables release in each dimension; of one provider, only its own regions.

        A constraint has one region that includes, so which dimensions are crossed cannot be said here: a key inside it
        may be of no table. The dataflow's annotations name the tables.
        """
        contract = self._contract
        constraint_id = contract.id if provider is None else f"{contract.id}-{provider}"
        agreement = urn("ProvisionAgreement", f"{constraint_id}({contract.version})")
        values = [
            CubeKeyValue(dimension.id, [CubeValue(code) for code in _released(contract, dimension, provider)])
            for dimension in contract.dimensions
            if provider is None or dimension.scope == PROVIDER_SCOPE
        ]
        name = urn("DataConstraint", f"{constraint_id}({contract.version})")
        self.labels[name] = {"en": "Codes released", "ru": "Передаваемые коды"}
        return DataConstraint(
            id=constraint_id,
            agency=AGENCY,
            version=contract.version,
            urn=name,
            name="Codes released",
            constraint_attachment=ConstraintAttachment(
                data_provider=None,
                dataflows=[urn("Dataflow", self._identity)] if provider is None else None,
                provision_agreements=None if provider is None else [agreement],
            ),
            cube_regions=[CubeRegion(values)],
        )


def _released(contract: DataContract, dimension: Dimension, provider: str | None) -> list[str]:
    """The codes that stand in this dimension in any table, in list order, the total first."""
    codes = {
        code
        for table in contract.tables
        for part in table.dimensions
        if part.dimension == dimension.id
        for code in part.codes
    }
    if dimension.codes is not None:
        codes &= set(dimension.codes)
    if provider is not None and dimension.scope == PROVIDER_SCOPE:
        codes = {code for code in codes if provider in dimension.codelist.ancestors(code)}
    total = [TOTAL] if dimension.has_total else []
    return total + [code.id for code in dimension.codelist.codes if code.id in codes]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _id(item: DataProvider) -> str:
    return item.id

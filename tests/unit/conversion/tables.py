"""Small tables in the two data sets' own formats."""

import gzip
from pathlib import Path
from typing import Final

from streams.conversion.tables import Tables, Tally

ENROLMENTS: Final = (
    "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,num_of_prev_attempts,"
    "studied_credits,disability,final_result,module_presentation_length,date_registration,date_unregistration"
)
SUBMISSIONS: Final = (
    "id_assessment,id_student,date_submitted,is_banked,score,code_module,code_presentation,assessment_type,date,weight"
)


def write(folder: Path, name: str, *lines: str) -> None:
    """Write one gzip table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


def tables(folder: Path) -> Tables:
    """The tables of `folder`, with an empty tally."""
    return Tables(folder, Tally())


def enrolment(student: str, result: str = "Pass", registered: str = "-10", left: str = "") -> str:
    """One row of `enrolments`, in presentation AAA 2013J."""
    return f"AAA,2013J,{student},F,Scotland,HE,,0-35,0,60,N,{result},268,{registered},{left}"


def submission(
    assessment: str, student: str, day: int, *, due: str = "20", score: str = "70", banked: int = 0, kind: str = "TMA"
) -> str:
    """One row of `submissions`, in presentation AAA 2013J."""
    return f"{assessment},{student},{day},{banked},{score},AAA,2013J,{kind},{due},10.0"

-- REEstim: publications of families that may use, save or replace rare earths, from Google Patents Public Data.
-- Run it in BigQuery and export the result as JSON lines (newline-delimited), then:
--     reestim data import google-patents FILE... --classes shipped --matching 'rare.?earth|...' --out my-data
-- All publications of a chosen family are taken, whatever their office: where people live stands in another of them often.
-- The abstracts are scanned once: a few hundred gigabytes are read. Narrow the years first if that is too dear.
WITH chosen AS (
  SELECT DISTINCT family_id
  FROM `patents-public-data.patents.publications`
  WHERE family_id <> '-1'
    AND filing_date BETWEEN 19950101 AND 20201231
    AND (
      EXISTS (
        SELECT 1
        FROM UNNEST(cpc) AS class
        WHERE REGEXP_CONTAINS(
          class.code,
          r'^(H01F1/(04[7-9]|05|06|08|10)|H01F41/02|H02K(1/27|17/|19/)|C09K(11|3/14)|C09G1/02|B01J(23|29)/|B01D53/94|H01M4/38|C22B59|C01F17)'
        )
      )
      OR EXISTS (
        SELECT 1
        FROM UNNEST(abstract_localized) AS abstract
        WHERE abstract.language = 'en'
          AND REGEXP_CONTAINS(
            LOWER(abstract.text),
            r'rare.?earth|lanthan|cerium|\bceria\b|praseodym|neodym|samari|europium|gadolin|terbium|dyspros|yttri|nd-?fe-?b'
          )
      )
    )
)
SELECT
  publication_number,
  country_code,           -- the office, not a residence
  family_id,
  filing_date,
  priority_date,          -- of the earliest application whose priority is claimed
  title_localized,
  abstract_localized,
  ARRAY(SELECT AS STRUCT name, country_code FROM UNNEST(assignee_harmonized)) AS assignee_harmonized,
  ARRAY(SELECT AS STRUCT name, country_code FROM UNNEST(inventor_harmonized)) AS inventor_harmonized,
  ARRAY(SELECT AS STRUCT code, inventive, first FROM UNNEST(cpc)) AS cpc
FROM `patents-public-data.patents.publications`
JOIN chosen USING (family_id)
WHERE application_kind <> 'D'  -- no designs

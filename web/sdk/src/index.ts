/** Report what fails in a page, without ever disturbing it. */
export {
  createReporter,
  type FailedRequestOptions,
  type Reporter,
  type ReporterOptions,
  type ReportOptions,
  type Severity,
} from "./reporter";

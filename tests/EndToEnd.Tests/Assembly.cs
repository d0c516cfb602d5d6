using Mcn.Web.EndToEnd.Tests;

// Two cores, real trainings: one test at a time, on one sample set and with one browser.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(SampleFixture))]
[assembly: AssemblyFixture(typeof(BrowserFixture))]

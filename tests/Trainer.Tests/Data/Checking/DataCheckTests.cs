using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data.Checking;

namespace Mcn.Web.Trainer.Tests.Data.Checking;

/// <summary>Faults planted in a copy of the sample set, one a video; the check finds them all and nothing else.</summary>
public sealed class DataCheckTests(SampleFixture sample) : IClassFixture<SampleFixture>
{
    static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public void The_sample_set_has_nothing_wrong()
    {
        using var state = new TempFolder();
        var report = DataCheck.Run(SampleConfig.Of(sample.Root), "sample", state.Path, 3, _ => { }, Never);
        Assert.Empty(report.Findings);
        Assert.Equal(240, report.Videos);
        Assert.True(report.Bytes > 1_000_000);
        Assert.Empty(Directory.GetFiles(state.Path));
    }

    [Fact]
    public void Every_planted_fault_is_found_in_its_video_and_nothing_else()
    {
        using var set = new PlantedFaults(sample.Root);
        var expected = set.PlantAll();
        var found = Check(set.Config).Findings.Select(finding => (finding.Kind, finding.Row!.Value)).ToHashSet();
        Assert.Equal(expected.Order(), found.Order());
        Assert.Equal(
            typeof(FindingKind).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal),
            expected.Select(fault => fault.Kind).Distinct().Order(StringComparer.Ordinal)); // no kind is left untested
    }

    [Fact]
    public void An_interrupted_check_goes_on_where_it_was_and_finds_the_same()
    {
        using var set = new PlantedFaults(sample.Root);
        set.PlantAll();
        var whole = Check(set.Config).ToJson()["findings"]!.ToJsonString();

        using var state = new TempFolder();
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DataCheck.Run(set.Config, "x", state.Path, 2, _ => stop.Cancel(), stop.Token));
        var file = Assert.Single(Directory.GetFiles(state.Path));
        File.AppendAllText(file, """{"chunk": 7, "by"""); // as a kill leaves it

        var report = DataCheck.Run(set.Config, "x", state.Path, 2, _ => { }, Never);
        Assert.InRange(report.ResumedVideos, 32, set.Config.Data.TrainCsv.Length * 100);
        Assert.True(report.ResumedVideos < report.Videos);
        Assert.Equal(whole, report.ToJson()["findings"]!.ToJsonString());
        Assert.Empty(Directory.GetFiles(state.Path));
    }

    [Fact]
    public void The_state_of_other_data_or_of_another_format_is_not_used()
    {
        using var set = new PlantedFaults(sample.Root);
        using var state = new TempFolder();
        Interrupt(set.Config, state.Path);
        var file = Assert.Single(Directory.GetFiles(state.Path));
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"format_version\":1", "\"format_version\":2", StringComparison.Ordinal));
        Assert.Equal(0, DataCheck.Run(set.Config, "x", state.Path, 2, _ => { }, Never).ResumedVideos);

        Interrupt(set.Config, state.Path);
        File.AppendAllText(set.Config.Data.TrainCsv, "\n");
        File.SetLastWriteTimeUtc(set.Config.Data.CaptionPath, new DateTime(2035, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Equal(0, DataCheck.Run(set.Config, "x", state.Path, 2, _ => { }, Never).ResumedVideos);
    }

    static void Interrupt(RunConfig config, string state)
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DataCheck.Run(config, "x", state, 1, _ => stop.Cancel(), stop.Token));
    }

    static CheckReport Check(RunConfig config)
    {
        using var state = new TempFolder();
        return DataCheck.Run(config, "x", state.Path, 2, _ => { }, Never);
    }
}

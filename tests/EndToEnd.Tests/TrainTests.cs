using System.Text.Json.Nodes;
using Mcn.Web.TestKit;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>`./mcn train` as a person meets it.</summary>
public sealed class TrainTests(SampleFixture sample) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly TempFolder data = new();

    string[] Train(params string[] more) => ["train", "--config", sample.Config, "--json", "--data", data.Path, .. more];

    [Fact]
    public async Task A_run_that_is_terminated_and_killed_ends_as_one_that_was_left_alone()
    {
        using var untouched = new TempFolder();
        var whole = await Command.Run("train", "--config", sample.Config, "--json", "--data", untouched.Path);
        Assert.True(whole.ExitCode == 0, whole.Errors);

        // Terminated in the middle of the first epoch: saves, says that it is to be resumed.
        using (var first = Command.Start(Train()))
        {
            await first.Line(line => Step(line) >= 11, Patience);
            first.Signal("TERM");
            var ended = await first.End(Patience);
            Assert.Equal(75, ended.ExitCode);
            Assert.Contains("\"event\":\"interrupted\"", ended.Output, StringComparison.Ordinal);
        }

        // Killed after the queue is in use and across an epoch: goes back to the checkpoint of that epoch.
        using (var second = Command.Start(Train()))
        {
            await second.Line(line => Step(line) >= 37, Patience);
            second.Signal("KILL");
            await second.End(Patience);
        }

        var third = await Command.Run(Train());
        Assert.True(third.ExitCode == 0, third.Errors);
        Assert.Equal(30, (long)Event(third, "started")["step"]!);
        Assert.Equal(Table(whole), Table(third));
        Assert.Equal(Losses(whole).Where(loss => loss.Key > 30), Losses(third));

        // A finished run is shown, not trained again.
        var shown = await Command.Run(Train());
        Assert.Equal(0, shown.ExitCode);
        Assert.Equal(Table(whole), Table(shown));
        Assert.Empty(Losses(shown));
        Assert.Single(Directory.GetDirectories(Path.Combine(data.Path, "runs")));
    }

    [Fact]
    public async Task A_limit_of_steps_saves_and_ends_with_zero()
    {
        var result = await Command.Run(Train("--steps", "5"));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal([1, 2, 3, 4, 5], Losses(result).Select(loss => loss.Key));
        Assert.Equal(5, (long)Event(result, "checkpoint")["step"]!);
        Assert.Equal("step_limit", (string)JsonNode.Parse(result.Lines.Last())!["event"]!);
    }

    [Fact]
    public async Task Every_mistake_of_a_configuration_is_told_at_once_and_nothing_is_started()
    {
        var result = await Command.Run(Train("--set", "lr=fast", "--set", "btach_size=3", "--set", "train_csv=/nowhere.csv"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("optimizer.lr", result.Errors, StringComparison.Ordinal);
        Assert.Contains("btach_size", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(data.Path, "runs")));
    }

    [Fact]
    public async Task A_missing_file_is_one_line_with_key_and_remedy()
    {
        var result = await Command.Run(Train("--set", "caption_path=/nowhere/caption.pickle"));
        Assert.Equal(2, result.ExitCode);
        var line = Assert.Single(result.Errors.Split('\n'), text => text.Contains("caption_path", StringComparison.Ordinal));
        Assert.Contains("/nowhere/caption.pickle", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_process_on_the_same_run_is_refused()
    {
        string[] endless = Train("--set", "optimizer.epochs=1000");
        using var first = Command.Start(endless);
        await first.Line(line => Step(line) >= 1, Patience);
        var second = await Command.Run(endless);
        Assert.Equal(3, second.ExitCode);
        first.Signal("INT");
        Assert.Equal(75, (await first.End(Patience)).ExitCode);
    }

    [Fact]
    public async Task A_run_for_people_shows_loss_terms_rate_and_time_left()
    {
        var result = await Command.Run("train", "--config", sample.Config, "--data", data.Path, "--steps", "3");
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"step 3/\d+ .*ETA \d\d:\d\d.*loss [\d.]+  \d+ clips/s .*\(tv [\d.]+ at [\d.]+ va [\d.]+ cluster [\d.]+ recon [\d.]+\)", result.Output);
    }

    static long Step(string line) => line.StartsWith("{\"step\":", StringComparison.Ordinal) ? (long)JsonNode.Parse(line)!["step"]! : -1;

    internal static SortedDictionary<long, double> Losses(Command.Result result) =>
        new(result.Lines.Where(line => Step(line) >= 0).Select(line => JsonNode.Parse(line)!).ToDictionary(line => (long)line["step"]!, line => (double)line["train.loss"]!));

    static JsonNode Event(Command.Result result, string name) =>
        result.Lines.Select(line => JsonNode.Parse(line)!).Last(line => (string?)line["event"] == name);

    internal static string Table(Command.Result result) => Event(result, "evaluation")["rows"]!.ToJsonString();

    public void Dispose() => data.Dispose();
}

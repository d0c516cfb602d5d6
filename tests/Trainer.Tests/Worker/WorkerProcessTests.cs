using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Worker;

/// <summary>The real worker, training the digits, spoken to as the supervisor does.</summary>
public sealed class WorkerProcessTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task It_holds_saves_and_leaves_when_its_stdin_closes()
    {
        var list = SharedData.Find("data/digits-3m/train/videos.csv");
        Assert.SkipWhen(list is null, SharedData.SkipReason);
        using var temp = new TempFolder();
        var folder = new RunCatalog(temp.Path, TimeProvider.System).Create(Configuration(Path.GetDirectoryName(list!)!));
        var errors = new List<string>();
        var command = new[] { "dotnet", Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), "work", "--run", folder.Path };
        using var worker = WorkerProcess.Start(command, WorkerEnvironment.Create(), (_, line) => errors.Add(line));

        await UntilAsync<StepMetrics>(folder, worker, _ => true);
        worker.Send(Command(CommandVerb.Hold, "h"));
        var held = await UntilAsync<RunStateChanged>(folder, worker, record => record.State == RunState.Held);
        Assert.Equal("h", held.CommandId);
        var heldAt = RecorderReader.Read(folder.Recorder)!.Heartbeat;
        var still = RecorderReader.Read(folder.Recorder)!;
        for (var wait = 0; still.Heartbeat <= heldAt && wait < 200; wait++)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            still = RecorderReader.Read(folder.Recorder)!;
        }

        Assert.True(still.Heartbeat > heldAt, "a held worker goes on marking");
        Assert.Equal((RecorderPhase.Held, held.Step), (still.Lanes[0].Last!.Phase, still.Lanes[0].Last!.Step)); // and marks go on
        worker.Dispose(); // as if the supervisor had died

        Assert.Equal(new WorkerEnd(ExitCodes.SavedAndReleased, null), await worker.Ended.WaitAsync(Patience));
        Assert.True(RecorderReader.Read(folder.Recorder)!.CleanEnd);
        Assert.Equal([RunFolder.CheckpointName(held.Step!.Value)], Directory.GetDirectories(folder.Checkpoints).Select(Path.GetFileName));
        Assert.Contains(errors, line => line.Contains("the supervisor is gone", StringComparison.Ordinal));
    }

    static async Task<T> UntilAsync<T>(RunFolder folder, WorkerProcess worker, Func<T, bool> condition)
        where T : TelemetryRecord
    {
        var end = TimeProvider.System.GetUtcNow() + Patience;
        while (true)
        {
            var journal = folder.JournalOf("worker", 1);
            if (File.Exists(journal) && new FileInfo(journal).Length >= 8 && JournalReader.Read(journal).OfType<T>().LastOrDefault(condition) is { } found) return found;
            Assert.False(worker.Ended.IsCompleted, string.Join('\n', worker.ErrorTail));
            Assert.True(TimeProvider.System.GetUtcNow() < end, $"waited in vain for {typeof(T).Name}");
            await Task.Delay(50);
        }
    }

    static RunConfig Configuration(string train) => RunConfigFile.Read(FindConfig(),
    [
        $"train_csv={train}/videos.csv", $"features_path={train}/parsed_videos", $"caption_path={train}/caption.pickle", $"word2vec_path={train}/words.bin",
    ]);

    static string FindConfig()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Mcn.Web.sln"))) folder = folder.Parent;
        return Path.Combine(folder.FullName, "deploy", "config", "digits-3m.json");
    }

    static RunCommand Command(CommandVerb verb, string id) => new(id, null, verb, null, "test", default, default);
}

using Mcn.Web.Shared.Commands;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>A real worker process on a small run, started as the supervisor does; ends with the test.</summary>
sealed class SmallWorker : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly RunFolder folder;
    readonly WorkerProcess process;
    readonly int incarnation;

    SmallWorker(RunFolder folder, SnapshotFile? memory, IReadOnlyDictionary<string, string> variables)
    {
        this.folder = folder;
        incarnation = RunCatalog.Read(folder).Incarnation + 1;
        var environment = new Dictionary<string, string>(WorkerEnvironment.Create(memory));
        foreach (var (name, value) in variables) environment[name] = value;
        process = WorkerProcess.Start(["dotnet", Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), "work", "--run", folder.Path], environment, (_, _) => { }, memory?.Handle);
    }

    public int ProcessId => process.ProcessId;

    public string Errors => string.Join('\n', process.ErrorTail);

    /// <param name="memory">That outlives it; null: none.</param>
    /// <param name="variables">On top of the usual environment.</param>
    public static SmallWorker Start(SmallRun run, SnapshotFile? memory = null, params (string Name, string Value)[] variables) =>
        new(run.Create(), memory, variables.ToDictionary(pair => pair.Name, pair => pair.Value));

    /// <summary>To the end of the run, by itself.</summary>
    public static async Task Finish(SmallRun run, SnapshotFile? memory = null)
    {
        using var worker = Start(run, memory);
        var end = await worker.Ended();
        Assert.True(end == new WorkerEnd(ExitCodes.Done, null), $"{end}: {worker.Errors}");
    }

    public Task<WorkerEnd> Ended() => process.Ended.WaitAsync(Patience);

    public void Signal(int signal) => process.Signal(signal);

    public void Send(CommandVerb verb, string id) => process.Send(new RunCommand(id, null, verb, null, "test", default, default));

    public async Task<WorkerEnd> Kill()
    {
        process.Signal(NativeSpawn.SigKill);
        return await Ended();
    }

    /// <summary>As if the supervisor had died.</summary>
    public void CloseInput() => process.Dispose();

    /// <summary>Waits until this very process has done so many steps.</summary>
    public Task Step(long steps) => Until(recorder => recorder.Lanes[0].Last is { Phase: not RecorderPhase.Setup } last && last.Step >= steps, $"step {steps}");

    public Task Phase(RecorderPhase phase) => Until(recorder => recorder.Lanes[0].Last?.Phase == phase, $"{phase}");

    /// <summary>Waits until every rank is there.</summary>
    public Task PhaseOfAll(RecorderPhase phase) => Until(recorder => recorder.Lanes.All(lane => lane.Last?.Phase == phase), $"{phase} of all");

    async Task Until(Func<RecorderContent, bool> condition, string what)
    {
        for (var began = TimeProvider.System.GetTimestamp(); ; await Task.Delay(2))
        {
            if (RecorderReader.Read(folder.Recorder) is { } recorder && recorder.Incarnation == incarnation && condition(recorder)) return;
            Assert.False(process.Ended.IsCompleted, $"the worker ended before {what}: {Errors}");
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, $"waited in vain for {what}");
        }
    }

    public void Dispose()
    {
        process.Signal(NativeSpawn.SigKill);
        process.Dispose();
    }
}

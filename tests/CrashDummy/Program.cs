using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Recording;

// A stand-in for the worker: marks a recorder and writes a journal like one, then dies as told. Started as the worker is
// (`work --run DIR`, commands on stdin). MCN_DUMMY names the death, or a file `scenario` in the run's folder; each later line of that file
// is the death of the next incarnation, the last one of all that follow.
const int deathAfterSteps = 5;
const int totalSteps = 20;
const string cublas = "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, opa, opb, m, n, k, &alpha, a, lda, b, ldb, &beta, c, ldc)`";
const string ucx = "[1697531234.567890] [gpubox:4242 :f]        vfs_fuse.c:281  UCX  ERROR inotify_add_watch(/tmp) failed: No space left on device";

var folder = new RunFolder(args[Array.IndexOf(args, "--run") + 1]);
var identity = RunCatalog.Read(folder);
identity = identity with { Incarnation = identity.Incarnation + 1 };
var scenario = Scenario();
if (scenario == "early-exit") return 9; // before anything was written
RunCatalog.Write(folder, identity);
using var runLock = new FileStream(folder.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
File.WriteAllText(folder.Environment, "{ \"libtorch\": \"none: a dummy\" }");
using var recorder = FlightRecorder.Create(folder.Recorder, identity.RunId, identity.Incarnation, ["rank 0"], TimeProvider.System);
using var journal = new JournalWriter(folder.JournalOf("worker", identity.Incarnation));
using var gate = new ManualResetEventSlim();
var sequence = 0L;
var leave = false;
var held = false;
string? heldBy = null;
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    if (scenario is not ("ignore-sigterm" or "stays")) leave = true;
    gate.Set();
});
var lane = recorder.Lanes[0];
lane.Mark(RecorderPhase.Setup);
Tell(new RunStarted
{
    Name = "dummy", FromStep = 0, TotalSteps = totalSteps, StepsPerEpoch = totalSteps, Epochs = 1, ClipsPerStep = 1, Parameters = 1, Device = "none",
    Knobs = [new LiveKnob(LiveKnob.LearningRateScale, false, 0, 10, 1, "next_step", "x")],
});
Tell(new RunStateChanged { State = RunState.Running, Step = 0 });
new Thread(ReadCommands) { IsBackground = true }.Start(); // a worker, too, tells that it runs before it obeys
for (var step = 0; step < totalSteps && !leave; step++)
{
    while (held && !leave)
    {
        lane.Mark(RecorderPhase.Held);
        Pause(50);
    }

    lane.Step = step;
    lane.SetSamples([step * 2, step * 2 + 1]);
    lane.Mark(RecorderPhase.Forward);
    Pause(20);
    lane.Mark(RecorderPhase.Backward);
    if (step == deathAfterSteps) Die();
    Tell(new StepMetrics { Step = step + 1, Epoch = 0, Values = new Dictionary<string, double> { [MetricCatalog.Loss] = 10 - step * 0.1 } });
    lane.Step = step + 1;
    lane.Mark(RecorderPhase.StepDone, 10 - step * 0.1);
}

recorder.MarkCleanEnd();
if (leave) return ExitCodes.SavedAndReleased;
RunCatalog.Write(folder, identity with { Finished = true });
return ExitCodes.Done;

void Die()
{
    switch (scenario)
    {
        case "clean": return;
        case "slow" or "cannot-save": while (!leave) { lane.Mark(RecorderPhase.Backward); Pause(20); } return;
        case "exit-137": Environment.Exit(137); return;
        case "sigkill": Native.kill(Environment.ProcessId, 9); Pause(60_000); return;
        case "abort": Native.abort(); return;
        case "segfault": Native.raise(11); Native.signal(11, 0); Native.kill(Environment.ProcessId, 11); Pause(60_000); return;
        case "bad-alloc":
            Console.Error.WriteLine("terminate called after throwing an instance of 'std::bad_alloc'");
            Console.Error.WriteLine("  what():  std::bad_alloc");
            Native.abort();
            return;
        case "exception":
            Fail(new ExternalException("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 79.15 GiB total capacity; 76.91 GiB already allocated)"), ExitCodes.DeviceMemory);
            return;
        case "cublas":
            Console.Error.WriteLine(ucx);
            Fail(new ExternalException(cublas), ExitCodes.DeviceLost);
            return;
        case "bad-data":
            Console.Error.WriteLine("features/x.npz: 10 bytes; expected 4096. Fetch it again");
            Environment.Exit(ExitCodes.BadData);
            return;
        case "hang": do Pause(Timeout.Infinite); while (!leave); return;
        case "ignore-sigterm" or "stays": while (true) Pause(Timeout.Infinite);
        default: Console.Error.WriteLine($"no such scenario: {scenario}"); Environment.Exit(64); return;
    }
}

void Fail(Exception error, int code)
{
    try
    {
        throw error;
    }
    catch (Exception caught)
    {
        recorder.LastWords(caught.ToString());
        Console.Error.WriteLine(caught.ToString());
        Environment.Exit(code);
    }
}

void Pause(int milliseconds)
{
    gate.Wait(milliseconds);
    if (!leave) gate.Reset();
    else if (milliseconds == Timeout.Infinite) Thread.CurrentThread.Join(20);
}

void ReadCommands()
{
    while (Console.In.ReadLine() is { } line)
    {
        var command = JsonSerializer.Deserialize(line, McnJson.Default.RunCommand)!;
        if (scenario == "hang" && command.Verb is not (CommandVerb.Stop or CommandVerb.StopWithoutSaving)) continue; // it gets to no step boundary
        if (command.Verb == CommandVerb.Hold)
        {
            (held, heldBy) = (true, command.CommandId);
            Tell(new RunStateChanged { State = RunState.Held, Step = lane.Step, CommandId = heldBy });
        }
        else if (command.Verb == CommandVerb.Resume)
        {
            held = false;
            Tell(new RunStateChanged { State = RunState.Running, Step = lane.Step, CommandId = command.CommandId });
        }
        else if (command.Verb == CommandVerb.Release)
        {
            Tell(new RunStateChanged { State = RunState.Saving, Step = lane.Step, CommandId = command.CommandId });
            if (scenario == "cannot-save")
            {
                Tell(new RunStateChanged { State = held ? RunState.Held : RunState.Running, Step = lane.Step, CommandId = command.CommandId, Detail = "no space" });
                continue;
            }

            Tell(new RunStateChanged { State = RunState.Releasing, Step = lane.Step, CommandId = command.CommandId });
            leave = scenario != "stays";
        }
        else if (command.Verb == CommandVerb.Set)
        {
            var change = JsonSerializer.Deserialize(command.Argument!, McnJson.Default.KnobChange)!;
            Tell(new KnobChanged { Step = lane.Step, Name = change.Name, Before = 1, Value = change.Value, CommandId = command.CommandId });
        }
        else if (command.Verb == CommandVerb.EvaluateNow)
        {
            Tell(new RunStateChanged { State = held ? RunState.Held : RunState.Running, Step = lane.Step, CommandId = command.CommandId });
        }
        else if (command.Verb is CommandVerb.Stop or CommandVerb.StopWithoutSaving && scenario != "ignore-sigterm")
        {
            leave = true;
        }

        gate.Set();
    }

    if (scenario == "ignore-sigterm") return;
    leave = true; // the supervisor is gone
    gate.Set();
}

void Tell(TelemetryRecord record)
{
    lock (journal) journal.Append(record with { Id = new RecordId(identity.RunId, identity.Incarnation, "worker", ++sequence), Time = TimeProvider.System.GetUtcNow() });
}

string Scenario()
{
    var file = Path.Combine(folder.Path, "scenario");
    if (!File.Exists(file)) return Environment.GetEnvironmentVariable("MCN_DUMMY") ?? "clean";
    var lines = File.ReadAllLines(file);
    return lines[Math.Min(identity.Incarnation, lines.Length) - 1].Trim();
}

static partial class Native
{
    [LibraryImport("libc")]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    internal static partial void abort();

    [LibraryImport("libc")]
    internal static partial int raise(int signal);

    [LibraryImport("libc")]
    internal static partial nint signal(int number, nint handler);
}

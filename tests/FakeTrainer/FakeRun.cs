using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.FakeTrainer;

/// <summary>A made-up run: plausible curves, four made-up GPUs marked as simulated, and obedience to commands.</summary>
sealed class FakeRun(DateTimeOffset now, int gpus)
{
    const int StepsPerEpoch = 300;
    const int Total = 6000;
    const long GiB = 1L << 30;

    readonly List<TelemetryRecord> written = [];

    public string Id { get; } = $"{now:yyyyMMdd-HHmmss}-fake";

    public IReadOnlyList<TelemetryRecord> Written => written;

    public RunState State { get; private set; } = RunState.Starting;

    public long Step { get; private set; }

    public RunIntroduction Introduction => new(Id, "howto100m-mcn", now, "{\n  \"name\": \"howto100m-mcn\",\n  \"data\": { \"batch_size\": 128, \"n_pair\": 32 }\n}", null);

    public void Begin(int history)
    {
        var start = now - TimeSpan.FromSeconds(history);
        Write(start, new RunStarted { Name = "howto100m-mcn", FromStep = 0, TotalSteps = Total, StepsPerEpoch = StepsPerEpoch, Epochs = 20, ClipsPerStep = 4096, Parameters = 223776770, Device = "cuda:0, cuda:1, cuda:2, cuda:3", Links = "NVLink (simulated)", Boards = [.. Enumerable.Range(0, 4).Select(gpu => $"GPU-{gpu}")], Batch = Split(), Precision = "tf32", Compatibility = Switches() });
        Write(start, new RunStateChanged { State = State = RunState.Running, Step = 0 });
        var local = new RunCommand($"{Id}-start", null, CommandVerb.Start, "{}", RunCommand.Local, start, TimeSpan.FromMinutes(10));
        Write(start, new CommandHandled { Command = local, Answer = new CommandAnswer(local.CommandId, true, "accepted", "starts", Id) });
        // A pause of two minutes in the middle: a gap on every curve.
        for (var second = 0; second < history; second++)
            if (second < history / 2 || second > (history / 2) + 120) Train(start + TimeSpan.FromSeconds(second));
        Write(now, new Alert
        {
            Code = "disk_filling", Text = "/data is filling up",
            Parameters = new Dictionary<string, string> { ["mount"] = "/data", ["purpose"] = "data", ["free_bytes"] = "322122547200", ["hours_to_full"] = "9" },
        });
    }

    public void Xid(DateTimeOffset time) => Write(time, new Alert
    {
        Code = "gpu_xid", Text = "Simulated GPU 2 reported Xid 31",
        Parameters = new Dictionary<string, string> { ["gpu"] = "2", ["name"] = "NVIDIA A100-SXM4-40GB", ["xid"] = "31", ["meaning"] = "an illegal address", ["remedy"] = "look", ["simulated"] = "true" },
    });

    public void Tick(DateTimeOffset time, int tick)
    {
        if (State == RunState.Holding) Write(time, new RunStateChanged { State = State = RunState.Held, Step = Step, CommandId = Ended(time, CommandVerb.Hold) });
        if (State == RunState.Resuming) Write(time, new RunStateChanged { State = State = RunState.Running, Step = Step, CommandId = Ended(time, CommandVerb.Resume) });
        if (State == RunState.Releasing) Write(time, new RunStateChanged { State = State = RunState.Released, Step = Step, CommandId = Ended(time, CommandVerb.Release) });
        if (State == RunState.Running && tick % 2 == 0) Train(time);
        if (State == RunState.Held && tick % 2 == 0) Machine(time);
    }

    public CommandAnswer Answer(RunCommand command)
    {
        lastCommand = command.CommandId;
        var time = command.IssuedAt;
        switch (command.Verb)
        {
            case CommandVerb.Hold when State == RunState.Running:
                Write(time, new RunStateChanged { State = State = RunState.Holding, Step = Step, CommandId = command.CommandId });
                break;
            case CommandVerb.Release when State is RunState.Running or RunState.Held:
                Write(time, new RunStateChanged { State = State = RunState.Releasing, Step = Step, CommandId = command.CommandId });
                break;
            case CommandVerb.Resume when State is RunState.Held or RunState.Released:
                Write(time, new RunStateChanged { State = State = RunState.Resuming, Step = Step, CommandId = command.CommandId });
                break;
            case CommandVerb.CheckpointNow:
                Checkpoint(time + TimeSpan.FromMilliseconds(1));
                Ended(time, command.Verb);
                break;
            default:
                return new CommandAnswer(command.CommandId, false, "wrong_state", $"the run is {State}", Id);
        }

        return new CommandAnswer(command.CommandId, true, "accepted", "at the next step boundary", Id);
    }

    public string Crash(DateTimeOffset time)
    {
        var crash = new CrashSummary
        {
            CrashId = Id + "-crash", RunId = Id, WorkerIncarnation = 1, Time = time, ExitCode = null, Signal = 6, Kind = "native_abort", Step = Step, Phase = "backward", Rank = "rank 2 (cuda:2)",
            Message = "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx( handle, opa, opb, m, n, k, alpha_ptr, a, CUDA_R_16F, lda, b, CUDA_R_16F, ldb, beta_ptr, c, CUDA_R_16F, ldc, compute_type, CUBLAS_GEMM_DEFAULT_TENSOR_OP)`",
            Cause = new CodedText("cublas-execution-failed", "A GPU computation failed; this text is a messenger, the fault happened in this or an earlier kernel"),
            RuledOut = [new RuledOut("vfs_fuse.c:281  UCX  ERROR inotify_add_watch(/tmp) failed: No space left on device", new CodedText("ucx-inotify-watch", "It is the quota of inotify watches, not the disk; UCX only switches its monitoring off"))],
            Next = new CodedText("restart", "restart in 5 s (attempt 1 of 5)", ("seconds", "5"), ("attempt", "1"), ("most", "5")),
        };
        Xid(time);
        Write(time, new WorkerExited { ExitCode = null, Signal = 6, WorkerIncarnation = 1, Crash = crash });
        Write(time, new RunStateChanged { State = State = RunState.Crashed, Step = Step, Detail = "worker ended by signal 6", Reason = crash.Cause });
        return crash.CrashId;
    }

    string? lastCommand;

    string? Ended(DateTimeOffset time, CommandVerb verb)
    {
        if (lastCommand is { } id) Write(time, new CommandEnded { CommandId = id, Verb = verb, Code = CommandEnded.Done, DurationSeconds = 0.5 });
        return lastCommand;
    }

    void Train(DateTimeOffset time)
    {
        Step++;
        var wobble = Math.Sin(Step * 12.9898) * 43758.5453;
        var noise = wobble - Math.Floor(wobble) - 0.5;
        var loss = 2 + (9 * Math.Exp(-Step / 700.0)) + (noise * 0.4) + (Step % 777 == 0 ? 6 : 0);
        Write(time, new StepMetrics
        {
            Step = Step, Epoch = (int)((Step - 1) / StepsPerEpoch),
            Values = new Dictionary<string, double>
            {
                [MetricCatalog.Loss] = loss, [MetricCatalog.LossTextVideo] = loss * 0.3, [MetricCatalog.LossAudioText] = loss * 0.27, [MetricCatalog.LossVideoAudio] = loss * 0.22,
                [MetricCatalog.LossCluster] = loss * 0.12, [MetricCatalog.LossReconstruction] = loss * 0.09,
                [MetricCatalog.LearningRate] = Math.Min(1, Step / 500.0) * 0.0001 * (0.5 + (0.5 * Math.Cos(Math.PI * Step / Total))),
                [MetricCatalog.SamplesPerSecond] = 3900 + (noise * 300), [MetricCatalog.StepDuration] = 1.04, [MetricCatalog.CheckpointAtRisk] = 82, [MetricCatalog.CheckpointAtRiskMachine] = 136, [MetricCatalog.DataWait] = 0.31 + (noise * 0.1),
                [MetricCatalog.Bottleneck] = (double)Bottleneck.Disk, [MetricCatalog.LimitDisk] = 3950 + (noise * 300), [MetricCatalog.LimitCpu] = 9120, [MetricCatalog.LimitTransfer] = 61000, [MetricCatalog.LimitDevice] = 5600,
                [MetricCatalog.ReadRate] = 482e6, [MetricCatalog.ReadShare] = 0.71, [MetricCatalog.DecodeShare] = 0.23, [MetricCatalog.QueueBytes] = 1.36e9, [MetricCatalog.BadVideos] = 3,
                [MetricCatalog.HostToDevice] = 0.01, [MetricCatalog.Forward] = 0.2, [MetricCatalog.Backward] = 0.46, [MetricCatalog.Exchange] = 0.04 + (noise * 0.01), [MetricCatalog.Optimizer] = 0.02, [MetricCatalog.LimitExchange] = 96000,
                [MetricCatalog.GradientNorm] = 3 + noise, [MetricCatalog.MicroBatch] = 256, [MetricCatalog.StepsRedone] = 1, [MetricCatalog.KMeansQueue] = Math.Min(1, Step / 20.0),
                [MetricCatalog.Of(MetricCatalog.RankWait, 0)] = 0.02, [MetricCatalog.Of(MetricCatalog.RankWait, 1)] = 0.06 + (noise * 0.02), [MetricCatalog.Of(MetricCatalog.RankWait, 2)] = 0.01, [MetricCatalog.Of(MetricCatalog.RankWait, 3)] = 0.07,
            },
        });
        Machine(time);
        if (Step % 10 == 0) Write(time, new LogLine { Source = "worker", Level = Step % 130 == 0 ? "warning" : "information", Text = Step % 130 == 0 ? "3 clips of video dXk0 have no audio; padded" : $"step {Step}: loss {loss:F3}, 3,9xx clips/s" });
        if (Step % StepsPerEpoch == 0) EndEpoch(time);
    }

    void EndEpoch(DateTimeOffset time)
    {
        Checkpoint(time);
        var quality = 1 - Math.Exp(-Step / 1500.0);
        Write(time, new EvaluationFinished
        {
            Step = Step, Epoch = (int)(Step / StepsPerEpoch), File = "youcook_val.pkl", N = 3350, Set = "youcook2", DurationSeconds = 21,
            Rows = [Row("t2va", 0.19 * quality), Row("t2v", 0.16 * quality), Row("t2a", 0.04 * quality), Row("va2t", 0.18 * quality)],
        });
    }

    void Checkpoint(DateTimeOffset time)
    {
        const long bytes = 2685321240;
        KeptCheckpoint[] kept =
        [
            new(Step / 3, time - TimeSpan.FromMinutes(40), bytes, 0.214, ["best", "pinned"]), new(Step / 2, time - TimeSpan.FromMinutes(20), bytes, 0.198, ["epoch", "before-crash"]),
            new(Step - 1, time - TimeSpan.FromMinutes(9), bytes, null, []), new(Step, time, bytes, null, ["last"]),
        ];
        Write(time, new CheckpointWritten { Step = Step, Path = $"/data/mcn/runs/{Id}/checkpoints/step-{Step:D10}", Bytes = bytes, DurationSeconds = 3.1, Kept = kept });
    }

    static Dictionary<string, bool> Switches() => RunConfigKeys.All.Where(key => key.Section == "compatibility").ToDictionary(key => key.Path.Split('.')[1], key => key.Path.EndsWith("optimistic_ties", StringComparison.Ordinal));

    static RetrievalRow Row(string direction, double r1) => new(direction, r1, r1 * 2.1, r1 * 2.6, Math.Round(4 / (r1 + 0.02)), 90,
        new Dictionary<string, double[]> { ["r1"] = [r1 * 0.9, r1 * 1.1], ["r5"] = [r1 * 2, r1 * 2.2], ["r10"] = [r1 * 2.5, r1 * 2.7] });

    /// <summary>The published recipe on four devices, some of its graphs held: a gradient cache.</summary>
    static BatchSplit Split() => new(128, 32, 4, 1024, 1024 / 4, 256, [.. Enumerable.Range(0, 4).Select(gpu => new PlannedMemory($"cuda:{gpu}", (gpu == 0 ? 12 : 11) * GiB)), new("cpu", 9 * GiB)]);

    void Machine(DateTimeOffset time)
    {
        var readings = Enumerable.Range(0, gpus).Select(gpu => new GpuReading(gpu, $"GPU-{gpu}", "NVIDIA A100-SXM4-40GB", (long)((31.2 + gpu + Math.Sin((Step + gpu) * 0.05)) * GiB), 40 * GiB,
            (int)(88 + (gpu * 2) + (6 * Math.Sin(Step * 0.2))), 58 + (gpu * 4) + (int)(Step % 5), 290 + (gpu * 12) + (20 * Math.Sin(Step * 0.11)), [])).ToList();
        Write(time, new GpuSample { Simulated = gpus > 0, Unavailable = gpus > 0 ? null : "no driver: libnvidia-ml.so.1 not found", Gpus = readings });
        if (Step % 3 != 0) return;
        Write(time, new HostSample
        {
            MemoryTotalBytes = 512 * GiB, MemoryAvailableBytes = 371 * GiB, CgroupLimitBytes = null, CgroupUsedBytes = null, CpuUtilization = 0.62, WorkerMemoryBytes = 41 * GiB,
            Disks =
            [
                new("/data", "data", 7300 * GiB, 300 * GiB, 480000000, 381000000), new("/tmp", "tmp", 220 * GiB, 71 * GiB, 16000000, 15900000), new("/dev/shm", "shm", 64 * GiB, 63 * GiB, 65000000, 65000000),
            ],
            InotifyWatches = 62011, InotifyWatchLimit = 65536, InotifyInstances = 97, InotifyInstanceLimit = 128,
        });
    }

    void Write(DateTimeOffset time, TelemetryRecord record)
    {
        lock (written) written.Add(record with { Time = time, Id = new RecordId(Id, 1, "worker", written.Count + 1) });
    }
}

using System.Collections;
using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Crashes;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Host.Checks;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>Every examination, in the order in which it is told.</summary>
/// <param name="config">Null: none was named.</param>
/// <param name="dataFolder">Absolute.</param>
/// <param name="gpu">Boards are to compute now.</param>
sealed class DoctorRounds(RunConfig? config, string dataFolder, bool gpu)
{
    static readonly TimeSpan PatienceWithDriver = TimeSpan.FromSeconds(20);

    readonly bool cudaBuild = Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_cuda*.so", SearchOption.AllDirectories).Any();
    readonly bool wanted = gpu || config?.Devices.Any(device => device != MemoryPlan.Host) == true;
    readonly int boardsOnBus = GpuChecks.CountOnBus();

    public IEnumerable<Examination> All() => [.. Program(), .. Machine(), .. Surroundings(), .. Storage(), .. Gpus(), new("tools", new("tools", "what building and testing take"), ToolChecks.Read)];

    IEnumerable<Examination> Program()
    {
        yield return new("program", ProgramChecks.Runtime, () => [ProgramChecks.JudgeRuntime(RuntimeInformation.FrameworkDescription, Environment.Version)]);
        yield return new("program", ProgramChecks.Processor, () => [ProgramChecks.ReadProcessor()]);
        yield return new("program", ProgramChecks.StandardLibrary, () => [ProgramChecks.JudgeStandardLibrary(ProgramChecks.ReadStandardLibrary())]);
        yield return new("program", TorchChecks.Load, () => TorchChecks.Judge(TorchProcess.Run(gpu && cudaBuild), cudaBuild, gpu)) { Patience = TorchProcess.Longest };
    }

    IEnumerable<Examination> Machine()
    {
        yield return new("machine", MemoryChecks.Memory, MemoryChecks.ReadMemory);
        yield return new("machine", MemoryChecks.Threads, () => [MemoryChecks.ReadThreads()]);
        yield return new("machine", SharedMemoryChecks.Folder, () => [SharedMemoryChecks.Read()]);
        yield return new("machine", SharedMemoryChecks.Namespace, () => [SharedMemoryChecks.ReadNamespace()]);
        yield return new("machine", InotifyChecks.Watches, InotifyChecks.Read);
        yield return new("machine", LimitChecks.Files, () => LimitChecks.Read(wanted));
        yield return new("machine", KernelLogChecks.Log, ReadKernelLog);
        yield return new("machine", MemoryChecks.Version, () => [MemoryChecks.ReadVersion()]);
        yield return new("machine", MemoryChecks.Pressure, () => [MemoryChecks.JudgePressure(Text("/proc/pressure/io"))]);
    }

    IEnumerable<Check> ReadKernelLog()
    {
        var (lines, gap) = KernelLog.Read();
        return KernelLogChecks.Judge(lines, gap, wanted || boardsOnBus > 0);
    }

    static IEnumerable<Examination> Surroundings()
    {
        yield return new("environment", EnvironmentChecks.Ucx, () => EnvironmentChecks.Judge(
            Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal),
            UcxReading.Read(Environment.GetEnvironmentVariable("LD_LIBRARY_PATH"), Text("/proc/self/maps"))));
    }

    IEnumerable<Examination> Storage()
    {
        yield return new("storage", StorageChecks.Data, () => StorageChecks.JudgeData(PlaceLook.ToWrite(dataFolder)));
        yield return new("storage", StorageChecks.Temporary, () => [StorageChecks.JudgeTemporary(PlaceLook.ToWrite(Path.GetTempPath()))]);
        if (config is null) yield break;
        yield return new("storage", StorageChecks.Room, () =>
        [
            StorageChecks.JudgeRoom(PlaceLook.ToWrite(dataFolder).Disk.FreeBytes, MemoryPlan.StateBytes(config), config.Checkpoint.KeepLast + config.Checkpoint.KeepBest, config.Checkpoint.ReserveBytes),
        ]);
        yield return new("storage", ConfigFiles, () => [JudgeFiles(RunConfigRules.CheckFiles(config), SampleSet.UsualFolder(config.Data.TrainCsv, dataFolder))]);
        // Made by the first `train`, as the check before says.
        if (SampleSet.UsualFolder(config.Data.TrainCsv, dataFolder) is { } sample && !Directory.Exists(sample)) yield break;
        var packed = config.Data.Shards.Length > 0;
        yield return new("storage", StorageChecks.Features, () => StorageChecks.JudgeFeatures(PlaceLook.ToRead(packed ? config.Data.Shards : config.Data.FeaturesPath), packed));
    }

    static readonly Precondition ConfigFiles = new("config-files", "every file and folder that the configuration names");

    static Check JudgeFiles(IReadOnlyList<ConfigMistake> missing, string? sample) => missing.Count == 0 ? ConfigFiles.Ok("all there")
        : sample is not null && !Path.Exists(sample) ? ConfigFiles.Ok($"the sample set is not there yet: the first train makes it in {sample}")
        : ConfigFiles.Fail(string.Join("; ", missing.Select(one => $"{one.Key}: {one.Found}")), string.Join("; ", missing.Select(one => one.Remedy).Distinct()));

    IEnumerable<Examination> Gpus()
    {
        yield return new("gpu", GpuChecks.Driver, ReadGpus) { Patience = PatienceWithDriver };
    }

    IEnumerable<Check> ReadGpus()
    {
        var (checks, box) = (new GpuChecks(wanted, cudaBuild, boardsOnBus), GpuBox.Read(Nvml.LibraryToLoad));
        var named = (config?.Devices ?? []).Where(device => device != MemoryPlan.Host).ToList();
        var judged = checks.Judge(box, VisibleBoards.FromEnvironment, Environment.GetEnvironmentVariable("CUDA_DEVICE_ORDER"), named);
        return box.Boards.Count == 0 || box.Simulated ? judged : judged.Append(checks.JudgeNodes(GpuChecks.ReadNodes("/dev/nvidiactl", "/dev/nvidia-uvm")));
    }

    static string? Text(string path) => File.Exists(path) ? File.ReadAllText(path) : null;
}

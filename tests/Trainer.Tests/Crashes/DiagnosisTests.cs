using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Diagnosis;

namespace Mcn.Web.Trainer.Tests.Crashes;

public sealed class DiagnosisTests
{
    const string Cublas = "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`";
    const string Ucx = "[1697.5] [box:42 :f] vfs_fuse.c:281  UCX  ERROR inotify_add_watch(/tmp) failed: No space left on device";

    [Fact]
    public void The_ucx_line_alone_is_no_full_disk()
    {
        var verdict = DiagnosisEngine.Judge(Of(signal: 9, lines: [Ucx]));
        Assert.Equal("killed", verdict.Cause.Rule);
        Assert.Equal((Rules.UcxInotify, Ucx), (verdict.RuledOut[0].Rule, verdict.RuledOut[0].Text));
    }

    [Fact]
    public void A_real_full_disk_beside_the_ucx_line_is_found()
    {
        var verdict = DiagnosisEngine.Judge(Of(exitCode: ExitCodes.Storage, lines: [Ucx, "System.IO.IOException: No space left on device : '/data/x'"]));
        Assert.Equal(("disk-space", 2), (verdict.Cause.Class, verdict.Cause.Evidence[0].Line));
    }

    [Theory]
    [InlineData(0, "gpu-software", "hypothesis", "unknown")]
    [InlineData(31, "gpu-software", "supported", "unknown")]
    [InlineData(79, "gpu-hardware", "supported", "gpu")]
    public void An_xid_decides_what_a_cublas_failure_is(int xid, string kind, string confidence, string where)
    {
        var gpu = new GpuSample { Simulated = false, Gpus = [new GpuReading(0, "u", "A100", 1, 2, 3, 40, 50, xid == 0 ? [] : [xid])] };
        var verdict = DiagnosisEngine.Judge(Of(exitCode: ExitCodes.DeviceLost, lines: [Cublas]) with { Gpu = [gpu] });
        Assert.Equal((kind, confidence, where), (verdict.Cause.Class, verdict.Cause.Confidence, verdict.Where));
    }

    [Fact]
    public void A_sigkill_is_a_memory_kill_only_with_a_sign_of_it()
    {
        Assert.Equal("stopped", DiagnosisEngine.Judge(Of(signal: 9) with { Host = [Host(8_000_000_000)] }).Cause.Class);
        var pressed = DiagnosisEngine.Judge(Of(signal: 9) with { Host = [Host(100_000_000), Host(12_000_000_000)] });
        Assert.Equal(("host-memory", "supported"), (pressed.Cause.Class, pressed.Cause.Confidence));
        var counted = DiagnosisEngine.Judge(Of(signal: 9) with { Host = [Host(8_000_000_000)], OutOfMemoryKills = 1 });
        Assert.Equal(("host-memory", "established"), (counted.Cause.Class, counted.Cause.Confidence));
    }

    [Fact]
    public void What_could_not_be_looked_at_is_said_with_what_to_grant()
    {
        var verdict = DiagnosisEngine.Judge(Of(exitCode: 1));
        Assert.Contains(verdict.CouldNotCheck, entry => entry.Grant.Contains("/dev/kmsg", StringComparison.Ordinal));
    }

    static Evidence Of(int? exitCode = null, int? signal = null, params string[] lines) =>
        new() { ExitCode = exitCode, Signal = signal, Texts = [new TextSource("stderr", lines)] };

    static HostSample Host(long available) => new()
    {
        MemoryTotalBytes = 16_000_000_000, MemoryAvailableBytes = available, CgroupLimitBytes = null, CgroupUsedBytes = null, CpuUtilization = null,
        WorkerMemoryBytes = null, Disks = [], InotifyWatches = null, InotifyWatchLimit = null, InotifyInstances = null, InotifyInstanceLimit = null,
    };
}

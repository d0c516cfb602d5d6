using System.Diagnostics;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Host.Checks;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Host.Checks;

/// <summary>What a process that loads libtorch says and dies of; a computing GPU itself was never seen by us.</summary>
public sealed class TorchChecksTests : IDisposable
{
    const string Loaded = """{"libtorch":"2.10.0","devices":3}""", Cpu = """{"device":"cpu","done":true,"error":null,"milliseconds":5}""";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly TempFolder folder = new();

    [Fact]
    public void A_board_that_kills_the_process_is_named_the_ones_before_it_are_right_and_the_ones_behind_it_untried()
    {
        var reading = Run($"echo '{Loaded}'; echo '{Cpu}'; echo '{{\"device\":\"cuda:0\",\"done\":true,\"error\":null,\"milliseconds\":1234}}'; echo '{{\"device\":\"cuda:1\",\"done\":false}}'; echo 'Xid 79' >&2; kill -SEGV $$", Patience);
        var checks = TorchChecks.Judge(reading, cudaBuild: true, gpu: true).ToDictionary(check => check.Id);
        Assert.Equal(["libtorch", "compute-cuda-0", "compute-cuda-1", "compute-cuda-2"], checks.Keys);
        Assert.Equal("libtorch 2.10.0, CUDA build, 3 GPUs seen", checks["libtorch"].Found);
        Assert.Equal((CheckState.Ok, "right, in 1,234 ms"), (checks["compute-cuda-0"].State, checks["compute-cuda-0"].Found));
        Assert.Equal((CheckState.Fail, "it began and did not come back: the process died of SIGSEGV (exit code 139): Xid 79"), (checks["compute-cuda-1"].State, checks["compute-cuda-1"].Found));
        Assert.Equal(CheckState.Unknown, checks["compute-cuda-2"].State);
    }

    [Fact]
    public void A_board_that_computes_wrongly_is_a_fail()
    {
        var reading = Run($"echo '{Loaded}'; echo '{Cpu}'; echo '{{\"device\":\"cuda:0\",\"done\":true,\"error\":\"3 of 65536 elements are wrong\",\"milliseconds\":5}}'", Patience);
        Assert.Equal(CheckState.Fail, TorchChecks.Judge(reading, cudaBuild: true, gpu: true).Single(check => check.Id == "compute-cuda-0").State);
    }

    [Fact]
    public void A_process_that_hangs_is_ended_at_its_deadline()
    {
        var began = Stopwatch.GetTimestamp();
        var reading = Run("exec sleep 100", TimeSpan.FromMilliseconds(200));
        Assert.Equal("no end within 0.2 s", reading.End);
        Assert.True(Stopwatch.GetElapsedTime(began) < Patience);
        Assert.Equal(CheckState.Fail, TorchChecks.Judge(reading, cudaBuild: false, gpu: false).Single().State);
    }

    [Fact]
    public void A_library_that_cannot_be_loaded_is_told_by_the_last_words_of_the_process()
    {
        var check = TorchChecks.Judge(Run("echo 'GLIBCXX_3.4.32 not found' >&2; exit 1", Patience), cudaBuild: false, gpu: false).Single();
        Assert.Equal((CheckState.Fail, "the process ended with exit code 1: GLIBCXX_3.4.32 not found"), (check.State, check.Found));
    }

    [Fact]
    public void A_processor_that_the_kernels_do_not_suit_is_told_after_loading()
    {
        var check = TorchChecks.Judge(Run($"echo '{Loaded}'; echo '{{\"device\":\"cpu\",\"done\":false}}'; kill -ILL $$", Patience), cudaBuild: false, gpu: false).Single();
        Assert.Equal((CheckState.Fail, "libtorch 2.10.0, CPU build, was loaded, then: the process died of SIGILL (exit code 132)"), (check.State, check.Found));
    }

    [Fact]
    public void The_CPU_build_and_a_CUDA_build_that_sees_no_GPU_fail_only_when_boards_are_to_compute()
    {
        var reading = Run($"echo '{{\"libtorch\":\"2.10.0\",\"devices\":0}}'; echo '{Cpu}'; echo 'a line of somebody else'; echo '{{torn'", Patience);
        Assert.Equal(CheckState.Ok, TorchChecks.Judge(reading, cudaBuild: false, gpu: false).Single().State);
        Assert.Contains("-p:TorchBackend=cuda", TorchChecks.Judge(reading, cudaBuild: false, gpu: true).Last().Remedy, StringComparison.Ordinal);
        Assert.Equal((CheckState.Fail, "libtorch sees no GPU"), TorchChecks.Judge(reading, cudaBuild: true, gpu: true).Select(check => (check.State, check.Found)).Last());
    }

    [Fact]
    public void This_machines_libtorch_computes_rightly_and_says_so_in_two_lines_a_device()
    {
        var output = new StringWriter();
        Assert.Equal(ExitCodes.Done, TorchTrial.Run(gpu: false, output));
        var reading = TorchProcess.Read(output.ToString().Split('\n'), null, null);
        Assert.StartsWith("2.", reading.Version, StringComparison.Ordinal);
        Assert.Equal(("cpu", true, null), reading.Results.Select(one => (one.Device, one.Done, one.Error)).Single());
    }

    public void Dispose() => folder.Dispose();

    TorchReading Run(string script, TimeSpan deadline)
    {
        File.WriteAllText(folder.File("child.sh"), script + "\n");
        return TorchProcess.Run(new ProcessStartInfo("/bin/sh", [folder.File("child.sh")]) { RedirectStandardOutput = true, RedirectStandardError = true }, deadline);
    }
}

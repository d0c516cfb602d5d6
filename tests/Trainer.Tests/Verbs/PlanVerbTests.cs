using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Tests.Gpu;
using Mcn.Web.Trainer.Tests.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Verbs;

/// <summary>What people see of `plan`, on a machine with and without GPUs.</summary>
public sealed class PlanVerbTests : IDisposable
{
    static readonly string Published = Repository.File("deploy/config/howto100m.json");

    static readonly string[] FourCards = ["--set", "devices=[\"cuda:0\",\"cuda:1\",\"cuda:2\",\"cuda:3\"]"];

    readonly TempFolder folder = new();

    [Fact]
    public async Task Without_a_GPU_the_way_to_plan_for_one_is_named()
    {
        Assert.SkipWhen(cuda.is_available(), "this machine has a GPU");
        var (code, output, errors) = await TrainerProcess.Run("plan", "--config", Published);
        Assert.Equal(ExitCodes.Fails, code);
        Assert.Empty(output);
        Assert.StartsWith("cuda:0: no GPU on this machine", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.Contains("--gpu-memory 40", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task For_a_card_elsewhere_the_parts_of_each_card_are_told()
    {
        var (code, output, errors) = await TrainerProcess.Run(["plan", "--config", Published, "--gpu-memory", "40", "--json", "--set", "precision=fp32", .. FourCards]);
        Assert.True(code == ExitCodes.Done, errors);
        var plan = JsonNode.Parse(output)!;
        Assert.Equal((4096, 1024, true), ((int)plan["clips_per_step"]!, (int)plan["clips_per_device"]!, (bool)plan["fits"]!));
        Assert.Equal(["cuda:0", "cuda:1", "cuda:2", "cuda:3"], plan["devices"]!.AsArray().Select(device => (string)device!["name"]!));
        Assert.All(plan["devices"]!.AsArray(), device => Assert.Equal((40L << 30, false), ((long)device!["memory_bytes"]!, (bool)device["simulated"]!)));
        Assert.Collection(plan["warnings"]!.AsArray(), warning => Assert.Contains("not measured", warning!.ToString(), StringComparison.Ordinal),
            warning => Assert.Contains("TF32 off", warning!.ToString(), StringComparison.Ordinal));
        Assert.Null(plan["probe"]);
    }

    [Fact]
    public async Task Simulated_cards_are_called_so()
    {
        var (_, text, errors) = await TrainerProcess.Run(["plan", "--config", Published, .. FourCards], ("MCN_NVML_LIBRARY", FakeNvml.Library), ("MCN_FAKE_NVML_GPUS", "4"));
        Assert.Contains("NVIDIA A100-SXM4-40GB (simulated)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("TF32 off", text, StringComparison.Ordinal);
        Assert.Contains("warning: cuda:0, cuda:1, cuda:2, cuda:3 are SIMULATED", text, StringComparison.Ordinal);
        Assert.Empty(errors);
    }

    [Fact]
    public async Task A_card_s_memory_says_nothing_where_the_devices_are_the_CPU()
    {
        var (code, _, errors) = await TrainerProcess.Run("plan", "--config", Published, "--set", "devices=cpu", "--gpu-memory", "40");
        Assert.Equal((ExitCodes.Usage, "--gpu-memory: this configuration's devices are the CPU; expected GPUs. To plan for a card: --set devices=cuda:0"), (code, errors.Trim()));
    }

    [Fact]
    public async Task A_probe_of_GPUs_is_refused_by_the_CPU_build_in_one_line()
    {
        Assert.SkipWhen(cuda.is_available(), "this machine has a GPU");
        var (code, output, errors) = await TrainerProcess.Run(["plan", "--config", Published, "--gpu-memory", "40", "--probe", .. FourCards]);
        Assert.Equal((ExitCodes.Usage, ""), (code, output));
        Assert.StartsWith("devices: cuda:0 cannot be opened; expected a build of this program with CUDA", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_probe_on_the_CPU_measures_two_runs_and_reads_the_formula_by_them()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Data = run.Config.Data with { BatchSize = 8 } };
        RunConfigFile.Write(folder.File("run.json"), run.Config);
        var (code, output, errors) = await TrainerProcess.Run("plan", "--config", folder.File("run.json"), "--probe", "--json");
        Assert.True(code == ExitCodes.Done, errors);
        var probe = JsonNode.Parse(output)!["probe"]!;
        Assert.Equal((8, 16, "cpu", "resident"), ((int)probe["small_clips"]!, (int)probe["large_clips"]!, (string)probe["device"]!, (string)probe["source"]!));
        foreach (var bytes in new[] { "small_bytes", "large_bytes" }) Assert.InRange((long)probe[bytes]!, 64 << 20, 2L << 30); // a process with libtorch in it
        Assert.InRange((long)probe["predicted_bytes"]! / (double)probe["large_bytes"]!, 0.8, 1.25); // so small a network weighs nothing beside it
        Assert.Empty(Directory.GetDirectories(folder.Path));
    }

    public void Dispose() => folder.Dispose();
}

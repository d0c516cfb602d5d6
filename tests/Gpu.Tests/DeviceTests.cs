using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Gpu.Tests;

/// <summary>What only a GPU can show; skipped with a reason where there is none.</summary>
public sealed class DeviceTests
{
    [Fact]
    public void The_network_gives_on_the_GPU_what_it_gives_on_the_CPU()
    {
        Assert.SkipUnless(cuda.is_available(), "no CUDA device, or the CPU build of libtorch (-p:TorchBackend=cuda selects the other)");
        using var scope = NewDisposeScope();
        var config = RunConfigFile.Read(Repository.File("deploy/config/digits-3m.json"), []).Model;
        random.manual_seed(1);
        var network = new McnNetwork(config);
        network.eval();
        var clips = new ClipTensors(
            randn(4, config.FeatureDim), randn(4, config.MelBands, 128), tensor(new long[] { 128, 100, 50, 1 }),
            randn(9, config.WeDim), randint(0, 9, [4, 20], ScalarType.Int64));
        var onCpu = network.Encode(clips, reconstruct: false);
        network.to(CUDA);
        var onGpu = network.Encode(new ClipTensors(
            clips.Video.cuda(), clips.Audio.cuda(), clips.FrameCounts.cuda(), clips.Words.cuda(), clips.WordIndex.cuda()), reconstruct: false);
        foreach (var (cpu, gpu) in new[] { (onCpu.Audio, onGpu.Audio), (onCpu.Video, onGpu.Video), (onCpu.Text, onGpu.Text) })
            Assert.True(((cpu - gpu.cpu()).norm() / cpu.norm()).item<float>() < 1e-3);
    }
}

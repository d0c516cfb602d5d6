using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Tests.Import;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Weights leave as the original has them and come back bit for bit; nothing half-written, nothing written over.</summary>
public sealed class WeightTransferTests
{
    static readonly GoldenSet Golden = GoldenSet.Open(GoldenFolders.Reduced);

    [Theory]
    [InlineData("out.pth")]
    [InlineData("out.safetensors")]
    public void Export_and_import_give_the_same_bits(string name)
    {
        using var folder = new TempFolder();
        var source = Source(folder);
        var (sizes, entries, bytes) = WeightTransfer.Export(source, folder.File(name));
        Assert.Equal((159, new FileInfo(folder.File(name)).Length), (entries, bytes));
        WeightTransfer.Import(folder.File(name), folder.File("start"));
        var (before, after) = (WeightFile.Read(source).Arrays, WeightFile.Read(folder.File("start")).Arrays);
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal));
        Assert.All(after, pair => Assert.True(pair.Value.Data.Span.SequenceEqual(before[pair.Key].Data.Span), pair.Key));
        using var file = SafetensorsFile.Open(Path.Combine(folder.File("start"), "model.safetensors"));
        Assert.Equal(name, file.Metadata["imported_from"]);
        Assert.Equal(WeightTransfer.HashOf(folder.File(name)), file.Metadata["imported_xxh128"]);
        Assert.Equal(64, sizes.EmbdDim);
        Assert.Equal(["out" + Path.GetExtension(name), "source", "start"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_exported_pth_has_the_originals_keys_order_and_shapes_for_torch()
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        var (sizes, _, _) = WeightTransfer.Export(Source(folder), folder.File("out.pth"));
        var printed = Python.Output(
            "import torch,sys; s=torch.load(sys.argv[1], weights_only=True); print('\\n'.join('%s %s %s' % (k, str(v.dtype)[6:], list(v.shape)) for k,v in s.items()))", folder.File("out.pth"));
        Assert.Equal(
            NetworkLayout.Of(sizes).Select(entry => $"{entry.Name} {(NetworkLayout.IsCounter(entry.Name) ? "int64" : "float32")} [{string.Join(", ", entry.Shape)}]"),
            printed.Split('\n'));
    }

    [Fact]
    public void Nothing_is_written_over_and_nothing_half_written_stays()
    {
        using var folder = new TempFolder();
        var source = Source(folder);
        File.WriteAllText(folder.File("out.pth"), "mine");
        var refused = Assert.Throws<UserError>(() => WeightTransfer.Export(source, folder.File("out.pth")));
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Equal("mine", File.ReadAllText(folder.File("out.pth")));
        Assert.Equal(ExitCodes.Refused, Assert.Throws<UserError>(() => WeightTransfer.Import(source, folder.File("source"))).ExitCode);
        Arrays.Refused(() => WeightTransfer.Export(source, folder.File("out.bin")), "the ending '.bin'", ".pth or .safetensors");
        Arrays.Refused(() => WeightTransfer.Export(source, "/proc/out.pth"), "/proc/out.pth", "cannot be written");
        var broken = Source(folder, "broken", state => state.Remove("GU_video.fc.bias"));
        Arrays.Refused(() => WeightTransfer.Export(broken, folder.File("new.pth")), "1 missing: GU_video.fc.bias");
        Arrays.Refused(() => WeightTransfer.Import(broken, folder.File("new")), "1 missing: GU_video.fc.bias");
        Assert.Equal(["broken", "out.pth", "source"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Verify_finds_what_is_not_finite_and_what_is_no_network()
    {
        using var folder = new TempFolder();
        var (isSound, text) = CheckpointVerification.Of(Source(folder));
        Assert.True(isSound, text);
        Assert.Contains("159 entries of one network: embd_dim 64", text, StringComparison.Ordinal);
        var infinite = Source(folder, "infinite", state => state["GU_video.fc.bias"] = Arrays.Singles([64], [.. Enumerable.Repeat(float.PositiveInfinity, 64)]));
        Assert.False(CheckpointVerification.Of(infinite).IsSound);
        Assert.Contains("GU_video.fc.bias: numbers that are not finite", CheckpointVerification.Of(infinite).Text, StringComparison.Ordinal);
        Assert.False(CheckpointVerification.Of(folder.File("nothing")).IsSound);
    }

    [Fact]
    public void Verify_sees_a_flipped_bit_and_a_missing_file_of_a_checkpoint()
    {
        using var run = new SmallRun();
        run.Train();
        var path = CheckpointVerification.Paths(run.Folder)[^1];
        Assert.True(CheckpointVerification.Of(path) is { IsSound: true }, CheckpointVerification.Of(path).Text);
        var part = Path.Combine(path, "optimizer.safetensors");
        var bytes = File.ReadAllBytes(part);
        bytes[^5] ^= 1;
        File.WriteAllBytes(part, bytes);
        Assert.Contains("optimizer.safetensors differs from its checksum", CheckpointVerification.Of(path).Text, StringComparison.Ordinal);
        File.Delete(part);
        Assert.Contains("optimizer.safetensors is missing", CheckpointVerification.Of(path).Text, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(path, "state.json"), "{");
        Assert.Contains("state.json: cannot be read", CheckpointVerification.Of(path).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_starts_from_the_weights_that_its_configuration_names()
    {
        using var scope = NewDisposeScope();
        using var folder = new TempFolder();
        var source = Source(folder);
        var model = Golden.Config().Model;
        var network = new McnNetwork(model);
        Assert.Null(Pretraining.Apply(model, network));
        Assert.Null(Pretraining.Apply(model with { PretrainPath = source }, network));
        GoldenSet.Near(network.state_dict()["GU_video.fc.weight"], Golden.Arrays("init_params")["GU_video.fc.weight"], 0, "GU_video.fc.weight");
        var partial = Source(folder, "partial", state => state.Remove("GU_video.fc.bias"));
        Arrays.Refused(() => Pretraining.Apply(model with { PretrainPath = partial }, network), "1 missing: GU_video.fc.bias");
        var told = Pretraining.Apply(model with { PretrainPath = partial, PretrainPartial = true }, network);
        Assert.Contains("158 entries taken, the rest keeps its random start: 1 missing: GU_video.fc.bias", told!.Text, StringComparison.Ordinal);
    }

    static string Source(TempFolder folder, string name = "source", Action<Dictionary<string, HostArray>>? change = null)
    {
        var state = new Dictionary<string, HostArray>(Npz.ReadAll(Golden.File("init_params.npz")), StringComparer.Ordinal);
        change?.Invoke(state);
        Directory.CreateDirectory(folder.File(name));
        using var stream = File.Create(Path.Combine(folder.File(name), WeightFile.FileInFolder));
        Safetensors.Write(stream, [.. state.Select(pair => new SafetensorsEntry(pair.Key, pair.Value.Type, pair.Value.Shape, to => to.Write(pair.Value.Data.Span)))], new Dictionary<string, string>());
        return folder.File(name);
    }
}

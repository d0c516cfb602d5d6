using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Tests.Import;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class NetworkWeightsTests
{
    static readonly GoldenSet Golden = GoldenSet.Open(GoldenFolders.Reduced);

    static ModelConfig Sizes => Golden.Config().Model;

    static Dictionary<string, HostArray> State => new(Npz.ReadAll(Golden.File("init_params.npz")), StringComparer.Ordinal);

    [Theory]
    [InlineData("checkpoint_zip.pth")]
    [InlineData("checkpoint_legacy.pth")]
    public void The_originals_checkpoints_fill_a_network_of_their_sizes(string name)
    {
        var path = SharedData.Find("golden/" + name);
        Assert.SkipWhen(path is null, SharedData.SkipReason);
        using var scope = NewDisposeScope();
        var weights = NetworkWeights.Read(path!);
        var sizes = weights.Sizes();
        var network = new McnNetwork(sizes);
        weights.CopyInto(network, sizes);
        HoldsTheGoldenWeights(network, GoldenSet.Open(GoldenFolders.Full));
    }

    [Fact]
    public void The_sizes_are_read_off_the_shapes()
    {
        var sizes = new NetworkWeights("a.pth", State).Sizes();
        var expected = Sizes;
        Assert.Equal(expected.LayerWidths, sizes.LayerWidths);
        Assert.Equal(expected with { LayerWidths = sizes.LayerWidths }, sizes);
    }

    [Fact]
    public void Weights_without_reconstruction_are_a_network_without_it()
    {
        var state = State;
        foreach (var name in state.Keys.Where(name => name.StartsWith("recon_", StringComparison.Ordinal)).ToArray()) state.Remove(name);
        Assert.False(new NetworkWeights("a.pth", state).Sizes().Recon);
        Arrays.Refused(() => new NetworkWeights("a.pth", state).Require(Sizes), "12 missing: recon_v.0.weight, recon_v.0.bias", "recon_t.2.bias");
    }

    [Fact]
    public void Every_difference_is_told_and_nothing_is_copied()
    {
        using var scope = NewDisposeScope();
        var state = State;
        state.Remove("GU_video.fc.bias");
        state["GU_audio.fc.weight"] = Arrays.Singles([3, 2], 1, 2, 3, 4, 5, 6);
        state["DAVEnet.bn1.num_batches_tracked"] = Arrays.Singles([], 1);
        state["head.weight"] = Arrays.Singles([1], 1);
        state["head.bias"] = Arrays.Singles([1], 1);
        var sizes = Sizes;
        var network = new McnNetwork(sizes);
        var before = network.state_dict()["GU_video.fc.weight"].clone();
        Arrays.Refused(
            () => new NetworkWeights("a.pth", state).CopyInto(network, sizes),
            "a.pth: 1 missing: GU_video.fc.bias; 2 unexpected: head.bias, head.weight; 2 of another shape: ",
            "DAVEnet.bn1.num_batches_tracked () instead of a whole number ()", "GU_audio.fc.weight (3, 2) instead of (16, 16)", "embd_dim 64");
        Assert.Equal(0, GoldenSet.Distance(network.state_dict()["GU_video.fc.weight"], before));
    }

    [Fact]
    public void Taking_only_what_fits_says_what_was_left()
    {
        using var scope = NewDisposeScope();
        var state = State;
        state.Remove("GU_video.fc.bias");
        state["head.weight"] = Arrays.Singles([1], 1);
        var sizes = Sizes;
        var network = new McnNetwork(sizes);
        var bias = network.state_dict()["GU_video.fc.bias"].clone();
        var report = new NetworkWeights("a.pth", state).CopyWhatFits(network, sizes);
        Assert.Equal("1 missing: GU_video.fc.bias; 1 unexpected: head.weight", report.ToString());
        Assert.Equal(158, report.Fitting.Count);
        Assert.Equal(0, GoldenSet.Distance(network.state_dict()["GU_video.fc.bias"], bias));
        GoldenSet.Near(network.state_dict()["GU_video.fc.weight"], Golden.Arrays("init_params")["GU_video.fc.weight"], 0, "GU_video.fc.weight");
        Arrays.Refused(() => new NetworkWeights("b.pth", new Dictionary<string, HostArray> { ["x"] = Arrays.Singles([1], 1) }).CopyWhatFits(network, sizes), "nothing fits");
    }

    [Fact]
    public void One_dimensional_convolutions_and_replica_names_and_half_precision_are_taken()
    {
        using var scope = NewDisposeScope();
        using var folder = new TempFolder();
        var state = State.ToDictionary(pair => "module." + pair.Key, pair => pair.Value.Shape.Length == 4 ? WithoutHeight(pair.Value) : pair.Value);
        state.Remove("module.DAVEnet.batchnorm1.weight"); // never applied: its absence changes nothing
        var path = folder.File("replica.safetensors");
        CompleteFile.Write(path, stream => Safetensors.Write(
            stream, [.. state.Select(pair => new SafetensorsEntry(pair.Key, pair.Value.Type, pair.Value.Shape, target => target.Write(pair.Value.Data.Span)))], new Dictionary<string, string>()));
        var file = WeightFile.Read(path);
        Assert.Equal("safetensors", file.Format);
        Assert.Contains("module.", Assert.Single(file.Notes), StringComparison.Ordinal);
        var weights = new NetworkWeights(file);
        var sizes = weights.Sizes();
        var network = new McnNetwork(sizes);
        weights.CopyInto(network, sizes);
        HoldsTheGoldenWeights(network, Golden);
    }

    [Theory]
    [InlineData("GU_text_captions.fc.weight")]
    [InlineData("DAVEnet.layer4.1.bn2.running_var")]
    public void Numbers_that_are_not_finite_are_refused_before_anything_is_copied(string name)
    {
        using var scope = NewDisposeScope();
        var state = State;
        var numbers = state[name].ToSingles();
        numbers[^1] = float.NaN;
        state[name] = Arrays.Singles(state[name].Shape, numbers);
        var network = new McnNetwork(Sizes);
        var before = network.state_dict()["DAVEnet.conv1.weight"].clone();
        Arrays.Refused(() => new NetworkWeights("a.pth", state).CopyInto(network, Sizes), $"a.pth : {name}", "not finite");
        Assert.Equal(0, GoldenSet.Distance(network.state_dict()["DAVEnet.conv1.weight"], before));
    }

    [Fact]
    public void Shapes_that_contradict_each_other_make_no_network()
    {
        var state = State;
        // A claim of a million wide joint space, on ten thousand numbers: the network would take terabytes.
        state["GU_video.fc.weight"] = Arrays.Singles([1 << 20, 1], new float[1 << 20]);
        Arrays.Refused(() => new NetworkWeights("a.pth", state).Sizes(), "a.pth", "of another shape", "embd_dim 1048576");
        Arrays.Refused(() => new NetworkWeights("a.pth", new Dictionary<string, HostArray> { ["x"] = Arrays.Singles([1], 1) }).Sizes(), "no entry GU_video.fc.weight among 1");
    }

    [Fact]
    public void The_amp_checkpoint_of_the_original_gives_its_net()
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        const string Script = "import torch,sys; net={'module.a': torch.ones(2,2).t(), 'module.n': torch.tensor(3)}; torch.save({'net': net, 'optimizer': {'state': {0: {'step': 1, 'exp_avg': torch.zeros(2)}}, 'param_groups': [{'lr': 1e-3, 'betas': (0.9, 0.999), 'params': [0]}]}, 'scheduler': {'base_lrs': [1e-3]}, 'amp': {'loss_scaler0': {'loss_scale': 65536.0, 'unskipped': 5}}}, sys.argv[1], _use_new_zipfile_serialization=sys.argv[2]=='1')";
        foreach (var zip in (string[])["0", "1"])
        {
            Python.Output(Script, folder.File("amp_checkpoint.pt"), zip);
            var file = WeightFile.Read(folder.File("amp_checkpoint.pt"));
            Assert.Equal(["a", "n"], file.Arrays.Keys);
            Assert.Equal([1f, 1, 1, 1], file.Arrays["a"].ToSingles());
            Assert.Equal(3, file.Arrays["n"].As<long>()[0]);
            Assert.Contains("Taken from its entry 'net'; left: optimizer, scheduler, amp", file.Notes);
        }
    }

    [Fact]
    public void Files_that_hold_no_weights_are_refused_by_name()
    {
        using var folder = new TempFolder();
        Arrays.Refused(() => WeightFile.Read(folder.File("none.pth")), "none.pth", "no such file");
        Arrays.Refused(() => WeightFile.Read(folder.Path), "a folder without model.safetensors");
        File.WriteAllBytes(folder.File("empty.pth"), []);
        Arrays.Refused(() => WeightFile.Read(folder.File("empty.pth")), "empty.pth", "the file is empty");
        File.WriteAllText(folder.File("text.pth"), "not weights at all");
        Arrays.Refused(() => WeightFile.Read(folder.File("text.pth")), "text.pth");
        PickleWriter.Write(folder.File("list.pkl"), new List<object?> { 1L });
        Arrays.Refused(() => WeightFile.Read(folder.File("list.pkl")), "list.pkl", "torch.save");
    }

    static void HoldsTheGoldenWeights(McnNetwork network, GoldenSet golden)
    {
        var expected = golden.Arrays("init_params");
        foreach (var (name, value) in network.state_dict())
        {
            Assert.Equal(expected[name].dtype, value.dtype);
            if (!NetworkLayout.IsNeverApplied(name)) GoldenSet.Near(value, expected[name], 0, name);
        }
    }

    static HostArray WithoutHeight(HostArray array)
    {
        var shape = array.Shape.Where((size, axis) => !(axis is 1 or 2 && size == 1)).ToArray();
        Assert.Equal(3, shape.Length);
        return new HostArray(array.Type, shape, array.Data);
    }
}

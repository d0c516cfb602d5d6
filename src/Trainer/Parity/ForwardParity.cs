using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>The forward pass, module by module, in training and in evaluation mode.</summary>
static class ForwardParity
{
    const string ModulePrefix = "mod_";
    const string AfterPrefix = "after_";

    public static void Training(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var expected = golden.Arrays("forward_train.npz");
        using var network = golden.Network(golden.Config());
        using var modules = new ModuleOutputs(network);
        Compare("forward_train", expected, Encode(network, golden.Clips(0)), modules, report);
        var state = network.state_dict();
        foreach (var name in expected.Names.Where(name => name.StartsWith(AfterPrefix, StringComparison.Ordinal)))
            report.Near($"forward_train.{name}", state[name[AfterPrefix.Length..]], expected[name], ParityReport.OutputLimit);
    }

    public static void Evaluation(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var expected = golden.Arrays("forward_eval.npz");
        using var network = golden.Network(golden.Config());
        using (no_grad()) network.Encode(golden.Clips(0), reconstruct: false); // the running statistics of forward_train
        network.eval();
        using var modules = new ModuleOutputs(network);
        var clips = golden.Clips(0) with { FrameCounts = expected["input_nframes"].to(ScalarType.Int64) };
        Compare("forward_eval", expected, Encode(network, clips), modules, report);
    }

    static Embeddings Encode(McnNetwork network, ClipTensors clips)
    {
        using var noGrad = no_grad();
        return network.Encode(clips, reconstruct: true);
    }

    static void Compare(string group, GoldenArrays expected, Embeddings outputs, ModuleOutputs modules, ParityReport report)
    {
        foreach (var name in expected.Names.Where(name => name.StartsWith(ModulePrefix, StringComparison.Ordinal)))
        {
            var module = name[ModulePrefix.Length..];
            var array = expected[name];
            if (modules.Find(module) is not { } actual) report.Fail($"{group}.{name}", ParityReport.OutputLimit, "our network has no module of this name");
            // Our audio tower is written over time alone and our words are a list: the same numbers in another shape.
            else if (actual.NumberOfElements != array.NumberOfElements) report.Fail($"{group}.{name}", ParityReport.OutputLimit, $"{actual.NumberOfElements} values instead of {array.NumberOfElements}");
            else report.Near($"{group}.{name}", actual.reshape(array.shape), array, ParityReport.OutputLimit);
        }

        if (expected.Has("audio_pooled")) report.Near($"{group}.audio_pooled", modules.InputOf("GU_audio"), expected["audio_pooled"], ParityReport.OutputLimit);
        report.Near($"{group}.out_audio", outputs.Audio, expected["out_audio"], ParityReport.OutputLimit);
        report.Near($"{group}.out_video", outputs.Video, expected["out_video"], ParityReport.OutputLimit);
        report.Near($"{group}.out_text", outputs.Text, expected["out_text"], ParityReport.OutputLimit);
        report.Near($"{group}.out_mse", outputs.ReconstructionError!, expected["out_mse"], ParityReport.OutputLimit);
    }

    /// <summary>What every module took and gave in the last forward pass, copied at once: the network overwrites some of it in place.</summary>
    sealed class ModuleOutputs : IDisposable
    {
        readonly Dictionary<string, (Tensor Input, Tensor Output)> seen = new(StringComparer.Ordinal);

        public ModuleOutputs(McnNetwork network)
        {
            foreach (var (name, module) in network.named_modules())
            {
                if (module is nn.Module<Tensor, Tensor> one) one.register_forward_hook((_, input, output) => Keep(name, input, output));
                if (module is nn.Module<Tensor, Tensor, Tensor> two) two.register_forward_hook((_, input, _, output) => Keep(name, input, output));
            }
        }

        public Tensor? Find(string module) => seen.TryGetValue(module, out var pair) ? pair.Output : null;

        public Tensor InputOf(string module) => seen[module].Input;

        Tensor Keep(string name, Tensor input, Tensor output)
        {
            // The scope that is open here ends with the module.
            if (seen.Remove(name, out var before)) Free(before);
            seen[name] = (input.detach().clone().DetachFromDisposeScope(), output.detach().clone().DetachFromDisposeScope());
            return output;
        }

        static void Free((Tensor Input, Tensor Output) pair)
        {
            pair.Input.Dispose();
            pair.Output.Dispose();
        }

        public void Dispose()
        {
            foreach (var pair in seen.Values) Free(pair);
        }
    }
}

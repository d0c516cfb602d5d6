using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// The audio tower as one node of libtorch's graph whose way back is written out. One node instead of one a layer: TorchSharp holds on to
/// each gradient that comes into such a node, and to an empty copy of each output.
/// </summary>
sealed class AudioTowerFunction : autograd.SingleTensorFunction<AudioTowerFunction>
{
    const string PassKey = "pass";

    public override string Name => nameof(AudioTowerFunction);

    /// <summary>(n, mel, T) → (n, A, T') in the graph.</summary>
    public static Tensor Through(AudioTower tower, Tensor spectrogram, Parameter[] trained) => apply([tower, spectrogram, .. trained]);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var tower = (AudioTower)vars[0];
        var tape = Tape.Record(() => tower.Run((Tensor)vars[1]), out var y);
        ctx.save_data(PassKey, new Pass(tower, tape, [.. vars.Skip(2).Cast<Parameter>()]));
        return y;
    }

    /// <summary>On the thread that called backward: for the CPU the engine has none of its own.</summary>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (tower, tape, trained) = (Pass)ctx.get_data(PassKey);
        try
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var used = tape;
            tower.Backward(empty(grad_output.shape[0], grad_output.shape[2], grad_output.shape[1]).transpose(1, 2).copy_(grad_output), tape);
            List<Tensor> gradients = [.. trained.Select(tape.GradientOf)];
            scope.Attach(gradients);
            scope.MoveToOuter(gradients);
            return [null!, null!, .. gradients];
        }
        catch (Exception error)
        {
            Tape.Failed(error);
            return [null!, null!, .. trained.Select(_ => (Tensor)null!)];
        }
    }

    sealed record Pass(AudioTower Tower, Tape Tape, Parameter[] Trained);
}

using System.Runtime.ExceptionServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// What layers need for a way back that is written out: maps and statistics of a forward pass, taken and freed in the reverse order, and then
/// the gradients of parameters. Layers keep on the tape that records on their thread; without one they keep nothing. A tape belongs to the
/// graph that it was recorded for and to the thread; it frees what it has at the end of its way back, and one whose way back never comes
/// with <see cref="FreeLeft"/>.
/// </summary>
sealed class Tape : IDisposable
{
    [ThreadStatic] static Tape? recording;

    /// <summary>Of this thread, whose way back has not been.</summary>
    [ThreadStatic] static List<Tape>? left;

    /// <summary>What went wrong in a way back on this thread: an exception that left a node of libtorch's graph would end the process.</summary>
    [ThreadStatic] static ExceptionDispatchInfo? failure;

    readonly Tensor?[] scratch = new Tensor?[Enum.GetValues<Use>().Length];
    readonly Stack<Tensor> kept = new();
    readonly Dictionary<Parameter, Tensor> gradients = new(ReferenceEqualityComparer.Instance);

    Tape() => (left ??= []).Add(this);

    /// <summary>What memory is wanted for; a use has one piece of it, for one thing at a time.</summary>
    public enum Use
    {
        Patches,
        Padded,
        Copy,
    }

    public static Tape? Recording => recording;

    /// <summary>Runs a forward pass and keeps what its layers say.</summary>
    public static Tape Record(Func<Tensor> pass, out Tensor output)
    {
        var tape = recording = new Tape();
        try
        {
            output = pass();
            return tape;
        }
        catch
        {
            tape.Dispose();
            throw;
        }
        finally
        {
            recording = null;
        }
    }

    /// <summary>Frees what forward passes of this thread kept for ways back that do not come: a step ran short of memory and begins anew.</summary>
    public static void FreeLeft()
    {
        foreach (var tape in left?.ToArray() ?? []) tape.Dispose();
    }

    /// <summary>Keeps the tensor's values; the caller may free its own hold on them, and must not write to them.</summary>
    public void Keep(Tensor tensor) => kept.Push(tensor.alias().DetachFromDisposeScope());

    /// <summary>The last one that has not been taken; the caller frees it.</summary>
    public Tensor Take() => kept.Pop();

    /// <summary>
    /// Memory for a while, single precision on the CPU, as it was left: one piece a use for the whole way back. The C library hardly finds a freed
    /// aligned block again for a request of the same size, and grows with each.
    /// </summary>
    public Tensor Scratch(Use use, long elements)
    {
        ref var piece = ref scratch[(int)use];
        if (piece is null || piece.shape[0] < elements)
        {
            piece?.Dispose();
            piece = empty(elements).DetachFromDisposeScope();
        }

        return piece.narrow(0, 0, elements);
    }

    /// <summary>A copy of a map of shape (n, c, t) with channels side by side; the next copy takes its place.</summary>
    public Tensor Copy(Tensor map) => Scratch(Use.Copy, map.NumberOfElements).view(map.shape[0], map.shape[2], -1).transpose(1, 2).copy_(map);

    /// <summary>The gradient of a parameter, out of the layer's dispose scope.</summary>
    public void Give(Parameter parameter, Tensor gradient) => gradients.Add(parameter, gradient.DetachFromDisposeScope());

    /// <summary>Once; it is the caller's then.</summary>
    public Tensor GradientOf(Parameter parameter) => gradients.Remove(parameter, out var gradient) ? gradient : throw new InvalidOperationException("no gradient was given");

    /// <summary>autograd.backward for graphs with nodes of ours: what failed inside one is thrown when libtorch's own code has been left.</summary>
    public static void Backward(IList<Tensor> outputs, IList<Tensor> gradients)
    {
        failure = null;
        autograd.backward(outputs, gradients);
        var failed = failure;
        failure = null;
        failed?.Throw();
    }

    /// <summary>Inside a node: to be thrown by <see cref="Backward"/>.</summary>
    public static void Failed(Exception error) => failure = ExceptionDispatchInfo.Capture(error);

    public void Dispose()
    {
        left?.Remove(this);
        foreach (var tensor in kept.Concat(gradients.Values).Concat(scratch)) tensor?.Dispose();
        kept.Clear();
        gradients.Clear();
        Array.Clear(scratch);
    }
}

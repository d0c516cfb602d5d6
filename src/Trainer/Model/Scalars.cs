using TorchSharp;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// Constants for tensor operations, alive as long as the process. TorchSharp hands a Scalar's native pointer to libtorch without
/// keeping the object alive, so the temporary of an implicit conversion may be finalised while the call runs; seen here as an error
/// of div_ in one of some thousand steps and of add_ in a test, it could as well be a wrong number. Implicit conversions are therefore
/// banned symbols, and so is whatever makes a factor or a step of 1 inside TorchSharp (sums, arange); computed values are held by
/// `using var x = value.ToScalar()`. Remove when TorchSharp keeps its scalars alive.
/// </summary>
static class Scalars
{
    public static readonly Scalar Zero = 0.ToScalar();
    public static readonly Scalar One = 1.ToScalar();
    public static readonly Scalar Two = 2.ToScalar();
    public static readonly Scalar MinusOne = (-1).ToScalar();

    /// <summary>left + right, with a factor that stays alive.</summary>
    public static torch.Tensor Plus(this torch.Tensor left, torch.Tensor right) => left.add(right, One);

    /// <summary>left + right, with a factor that stays alive; right must too.</summary>
    public static torch.Tensor Plus(this torch.Tensor left, Scalar right) => left.add(right, One);
}

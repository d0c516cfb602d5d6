namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Compares keys of unpickled dictionaries (string, long, double, bool). Numbers are mixed with the process's random seed, because
/// the plain hash of a long lets a made-up file put all its keys into one bucket.
/// </summary>
internal sealed class PickleKeys : IEqualityComparer<object>
{
    public static PickleKeys Comparer { get; } = new();

    public static bool IsKey(object? value) => value is string or long or double or bool;

    bool IEqualityComparer<object>.Equals(object? x, object? y) => object.Equals(x, y);

    int IEqualityComparer<object>.GetHashCode(object key) => key switch
    {
        long number => HashCode.Combine((int)number, (int)(number >> 32)),
        double number => HashCode.Combine((int)BitConverter.DoubleToInt64Bits(number + 0.0), (int)(BitConverter.DoubleToInt64Bits(number + 0.0) >> 32)),
        _ => key.GetHashCode(),
    };
}

using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Import;

/// <summary>Element type of a <see cref="HostArray"/>.</summary>
public enum ArrayType
{
    Float16,
    BFloat16,
    Float32,
    Float64,
    Int8,
    UInt8,
    Int16,
    Int32,
    Int64,
    Bool,
}

/// <summary>
/// An array read from a file (npy, npz, pickle, safetensors): element type, shape, and its bytes, little-endian and in C order.
/// The memory may belong to the reader that made it and is then valid until that reader's next call; each reader says so.
/// </summary>
public sealed class HostArray
{
    public HostArray(ArrayType type, long[] shape, ReadOnlyMemory<byte> data)
    {
        Type = type;
        Shape = shape;
        Data = data;
    }

    public ArrayType Type { get; }

    public long[] Shape { get; }

    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Number of elements (1 for a scalar, whose shape is empty).</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);

    public bool IsFloat => Type is ArrayType.Float16 or ArrayType.BFloat16 or ArrayType.Float32 or ArrayType.Float64;

    /// <summary>The elements as they are stored; <typeparamref name="T"/> must have the element's size.</summary>
    public ReadOnlySpan<T> As<T>()
        where T : struct => MemoryMarshal.Cast<byte, T>(Data.Span);

    /// <summary>Every element as a single-precision number.</summary>
    public float[] ToSingles()
    {
        var result = new float[checked((int)Count)];
        CopyTo(0, result);
        return result;
    }

    /// <summary>Converts elements <paramref name="start"/> .. +destination.Length to single precision.</summary>
    public void CopyTo(int start, Span<float> destination)
    {
        var size = SizeOf(Type);
        ToSingles(Type, Data.Span.Slice(start * size, destination.Length * size), destination);
    }

    /// <summary>Converts elements of a type to single precision.</summary>
    public static void ToSingles(ArrayType type, ReadOnlySpan<byte> bytes, Span<float> destination)
    {
        switch (type)
        {
            case ArrayType.Float16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), destination); break;
            case ArrayType.Float32: MemoryMarshal.Cast<byte, float>(bytes).CopyTo(destination); break;
            case ArrayType.Float64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(bytes), destination); break;
            case ArrayType.Int32: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, int>(bytes), destination); break;
            case ArrayType.Int64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, long>(bytes), destination); break;
            case ArrayType.Int16: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, short>(bytes), destination); break;
            case ArrayType.Int8: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, sbyte>(bytes), destination); break;
            case ArrayType.UInt8 or ArrayType.Bool: TensorPrimitives.ConvertTruncating(bytes, destination); break;
            case ArrayType.BFloat16:
                var bits = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < bits.Length; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
                break;
            default: throw new InvalidOperationException($"No conversion from {type}");
        }
    }

    /// <summary>Bytes of one element.</summary>
    public static int SizeOf(ArrayType type) => type switch
    {
        ArrayType.Float16 or ArrayType.BFloat16 or ArrayType.Int16 => 2,
        ArrayType.Float32 or ArrayType.Int32 => 4,
        ArrayType.Float64 or ArrayType.Int64 => 8,
        _ => 1,
    };
}

using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Import;

/// <summary>Sizes, type names and element order of arrays in files. Pure functions; nothing is allocated on a file's word alone.</summary>
internal static class ArrayLayout
{
    /// <summary>NumPy's own limit of dimensions.</summary>
    public const int MaxDimensions = 32;

    /// <summary>Bytes of an array in C order; false when a size is negative or the product does not fit into 62 bits.</summary>
    public static bool TryByteCount(ArrayType type, ReadOnlySpan<long> shape, out long bytes)
    {
        bytes = 0;
        if (shape.Length > MaxDimensions) return false;
        if (shape.ContainsAnyInRange(long.MinValue, -1)) return false;
        if (shape.Contains(0)) return true;
        Int128 product = HostArray.SizeOf(type);
        foreach (var size in shape)
        {
            product *= size;
            if (product > long.MaxValue >> 1) return false;
        }

        bytes = (long)product;
        return true;
    }

    /// <summary>NumPy's type letters without byte order ("f4", "i8", "b1"), or null when such arrays are not read.</summary>
    public static ArrayType? FromNumpy(string code) => code switch
    {
        "f2" => ArrayType.Float16,
        "f4" => ArrayType.Float32,
        "f8" => ArrayType.Float64,
        "i1" => ArrayType.Int8,
        "u1" => ArrayType.UInt8,
        "i2" => ArrayType.Int16,
        "i4" => ArrayType.Int32,
        "i8" => ArrayType.Int64,
        "b1" => ArrayType.Bool,
        _ => null,
    };

    /// <summary>The letters of <see cref="FromNumpy"/>; null for bfloat16, which NumPy does not have.</summary>
    public static string? ToNumpy(ArrayType type) => type switch
    {
        ArrayType.Float16 => "f2",
        ArrayType.Float32 => "f4",
        ArrayType.Float64 => "f8",
        ArrayType.Int8 => "i1",
        ArrayType.UInt8 => "u1",
        ArrayType.Int16 => "i2",
        ArrayType.Int32 => "i4",
        ArrayType.Int64 => "i8",
        ArrayType.Bool => "b1",
        _ => null,
    };

    /// <summary>Strides in elements of an array whose first index runs fastest.</summary>
    public static long[] FortranStrides(ReadOnlySpan<long> shape)
    {
        var strides = new long[shape.Length];
        var step = 1L;
        for (var i = 0; i < shape.Length; i++)
        {
            strides[i] = step;
            step *= Math.Max(shape[i], 1);
        }

        return strides;
    }

    /// <summary>Whether strides (in elements) describe C order without gaps; dimensions of size 1 do not matter.</summary>
    public static bool IsContiguous(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        var step = 1L;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != step) return false;
            step *= Math.Max(shape[i], 1);
        }

        return true;
    }

    /// <summary>
    /// Copies elements into C order. The caller has checked that <paramref name="start"/> + sum((size-1)*stride) lies inside
    /// <paramref name="source"/> and that <paramref name="destination"/> has exactly the bytes of <paramref name="shape"/>.
    /// </summary>
    public static void Gather(
        ReadOnlySpan<byte> source, long start, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, int elementSize, Span<byte> destination)
    {
        switch (elementSize)
        {
            case 1: Gather(source, start, shape, strides, destination); break;
            case 2: Gather(MemoryMarshal.Cast<byte, ushort>(source), start, shape, strides, MemoryMarshal.Cast<byte, ushort>(destination)); break;
            case 4: Gather(MemoryMarshal.Cast<byte, uint>(source), start, shape, strides, MemoryMarshal.Cast<byte, uint>(destination)); break;
            default: Gather(MemoryMarshal.Cast<byte, ulong>(source), start, shape, strides, MemoryMarshal.Cast<byte, ulong>(destination)); break;
        }
    }

    static void Gather<T>(ReadOnlySpan<T> source, long start, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, Span<T> destination)
    {
        Span<long> index = stackalloc long[MaxDimensions];
        index.Clear();
        var from = start;
        for (var to = 0; to < destination.Length; to++)
        {
            destination[to] = source[(int)from];
            for (var axis = shape.Length - 1; axis >= 0; axis--)
            {
                from += strides[axis];
                if (++index[axis] < shape[axis]) break;
                from -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
    }
}

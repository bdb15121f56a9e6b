using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Btrfs.Format;

/// <summary>Always-on, cheap assertions about the engine's own logic. For bytes from the disk use the checks.</summary>
public static class Invariant
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That([DoesNotReturnIf(false)] bool condition, [CallerArgumentExpression(nameof(condition))] string? text = null)
    {
        if (!condition)
            Fail(text);
    }

    [DoesNotReturn]
    private static void Fail(string? text) => throw new InvariantException($"invariant broken: {text}");
}

namespace Btrfs.Tests.Interop.Abi;

/// <summary>
/// One side of the border, each thing in the words of C: a function's prototype with the names of its parameters, an enum's members with their values,
/// a struct's fields with their offsets. `const` is left out, since C# can't say it.
/// </summary>
internal sealed record AbiModel(
    IReadOnlyDictionary<string, string> Functions,
    IReadOnlyDictionary<string, string> Enums,
    IReadOnlyDictionary<string, string> Structs)
{
    /// <summary>Everything that the two sides don't say alike, one line each; empty when they agree.</summary>
    internal static List<string> Differences(AbiModel header, AbiModel bindings) =>
    [
        .. Differences("function", header.Functions, bindings.Functions),
        .. Differences("enum", header.Enums, bindings.Enums),
        .. Differences("struct", header.Structs, bindings.Structs),
    ];

    private static IEnumerable<string> Differences(string kind, IReadOnlyDictionary<string, string> header, IReadOnlyDictionary<string, string> bindings)
    {
        foreach (string name in header.Keys.Union(bindings.Keys).Order(StringComparer.Ordinal))
        {
            if (!bindings.TryGetValue(name, out string? bound))
            {
                yield return $"{kind} {name} is only in the header";
            }
            else if (!header.TryGetValue(name, out string? declared))
            {
                yield return $"{kind} {name} is only in the bindings";
            }
            else if (declared != bound)
            {
                yield return $"{kind} {name}: the header has '{declared}', the bindings have '{bound}'";
            }
        }
    }
}

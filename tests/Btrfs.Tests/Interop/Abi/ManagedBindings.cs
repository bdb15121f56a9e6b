using System.Reflection;
using System.Runtime.InteropServices;
using Btrfs.Interop;

namespace Btrfs.Tests.Interop.Abi;

/// <summary>Reads the committed bindings by reflection, in the words of C.</summary>
internal static class ManagedBindings
{
    private const string Prefix = "btrn_";

    internal static AbiModel Read()
    {
        Type[] types = [.. typeof(NativeMethods).Assembly.GetTypes().Where(static type => type.Name.StartsWith(Prefix, StringComparison.Ordinal))];
        return new AbiModel(
            typeof(NativeMethods).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).ToDictionary(static method => method.Name, Prototype),
            types.Where(static type => type.IsEnum).ToDictionary(static type => type.Name, Members),
            types.Where(static type => !type.IsEnum).ToDictionary(static type => type.Name, Layout));
    }

    private static string Prototype(MethodInfo method)
    {
        DllImportAttribute import = method.GetCustomAttribute<DllImportAttribute>()!;
        Assert.That(import.Value, Is.EqualTo("btrfs_native"), method.Name);
        Assert.That(import.CallingConvention, Is.EqualTo(CallingConvention.Cdecl), method.Name);
        Assert.That(import.ExactSpelling, method.Name);
        return $"{InC(method.ReturnType)} ({string.Join(", ", method.GetParameters().Select(static parameter => $"{InC(parameter.ParameterType)} {parameter.Name}"))})";
    }

    private static string Members(Type type) =>
        string.Join(", ", type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => $"{field.Name} = {(uint)field.GetRawConstantValue()!}"));

    private static string Layout(Type type)
    {
        FieldInfo[] fields = type.GetFields(BindingFlags.Public | BindingFlags.Instance);
        return fields.Length == 0
            ? "opaque"
            : $"{string.Join(", ", fields.Select(field => $"{Marshal.OffsetOf(type, field.Name)}: {InC(field.FieldType)} {field.Name}"))}, sizeof {Marshal.SizeOf(type)}";
    }

    private static string InC(Type type)
    {
        if (type.IsPointer)
        {
            string target = InC(type.GetElementType()!);
            return target.EndsWith('*') ? $"{target}*" : $"{target} *";
        }

        return type switch
        {
            _ when type == typeof(void) => "void",
            _ when type == typeof(byte) => "uint8_t",
            _ when type == typeof(int) => "int32_t",
            _ when type == typeof(uint) => "uint32_t",
            _ when type == typeof(long) => "int64_t",
            _ when type == typeof(ulong) => "uint64_t",
            _ => type.Name,
        };
    }
}

/* shop_ranking: puts products in the order they are shown. Has a bug: a product without a supplier has no weights. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

struct weights {
    double price;
    double rating;
};

struct product {
    double price;
    double rating;
    const struct weights *weights;
};

static double score(const struct product *product)
{
    return product->weights->price * product->price + product->weights->rating * product->rating;
}

static int by_score(const void *left, const void *right)
{
    double difference = score(right) - score(left);
    return (difference > 0) - (difference < 0);
}

/* rank([(price, rating, has_supplier), ...]) -> [price, ...], the best first */
static PyObject *rank(PyObject *module, PyObject *list)
{
    static const struct weights usual = {-0.5, 2.0};
    if (!PyList_Check(list))
        return PyErr_Format(PyExc_TypeError, "rank() takes a list");
    Py_ssize_t count = PyList_GET_SIZE(list);
    struct product *products = PyMem_Calloc(count, sizeof *products);
    if (products == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t at = 0; at < count; at++) {
        int has_supplier = 1;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, at), "dd|p", &products[at].price, &products[at].rating,
                              &has_supplier)) {
            PyMem_Free(products);
            return NULL;
        }
        products[at].weights = has_supplier ? &usual : NULL;
    }
    qsort(products, count, sizeof *products, by_score);
    PyObject *prices = PyList_New(count);
    for (Py_ssize_t at = 0; prices != NULL && at < count; at++)
        PyList_SET_ITEM(prices, at, PyFloat_FromDouble(products[at].price));
    PyMem_Free(products);
    return prices;
}

static PyMethodDef methods[] = {
    {"rank", rank, METH_O, "rank(products) -> prices, the best product first"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "shop_ranking", NULL, -1, methods};

PyMODINIT_FUNC PyInit_shop_ranking(void)
{
    return PyModule_Create(&definition);
}
